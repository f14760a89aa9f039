import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Preloaded into all that tests start, see there. */
const stripOnce = new URL('test/parts/strip-once.mjs', import.meta.url).href

/** Where the files are that take minutes, the longest first. Begun last they would run on alone when all others have ended. */
const longest = [
  'test/sinks/history/embedded.',
  'test/simulation/simulation.',
  'test/sinks/history/server.',
  'test/sinks/history/',
  'test/bench/demo/',
  'test/faults/',
  'test/engine/store/backup/',
  'test/engine/cli',
  'test/engine/backfill/',
  'test/engine/workshop/',
  'test/engine/shard/',
  'test/e2e/',
  'test/engine/mutants/',
  'test/bench/',
  'test/ingest/kafka/',
  'test/engine/activation/',
  'test/engine/shadow/',
  'test/engine/whatif/',
  'test/engine/api/full-log',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = longest.findIndex((beginning) => moduleId.includes(`/${beginning}`))
      return place === -1 ? longest.length : place
    }
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

/**
 * Two cores are the reference machine: files run in three processes, as half of their time is waiting, tests of one file one after the
 * other, or three that wait much. A process goes through many files and keeps what it has imported, so a file leaves nothing behind in its
 * process: no server, no setting, no spy.
 */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/parts/global-setup.ts'],
    pool: 'forks',
    isolate: false,
    maxWorkers: 3,
    maxConcurrency: 3,
    sequence: { sequencer: LongestFirst },
    env: { NODE_OPTIONS: `--import=${stripOnce}` },
    testTimeout: 30_000,
    // A busy machine takes its time; what comes at all is seen at once.
    expect: { poll: { timeout: 15_000 } },
    hookTimeout: 30_000,
    reporters: process.env['CI'] === 'true' ? ['default', 'json'] : ['default'],
    outputFile: { json: 'test-results.json' },
  },
})
