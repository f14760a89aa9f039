import { defineConfig } from 'vitest/config'

/** Files of pure functions and codecs: no processes, threads, files that stay, or settings. They share what they import. */
const pure = [
  'test/rules/**/*.test.ts',
  'test/engine/step/**/*.test.ts',
  'test/engine/state/**/*.test.ts',
  'test/engine/explain/**/*.test.ts',
  'test/sinks/*.test.ts',
  'test/engine/scenarios/*.test.ts',
  'test/ingest/{avro,cloud,event,letter,partition,record}*.test.ts',
  'test/bench/{workload,stages}/*.test.ts',
]

/** Two cores are the reference machine: files run in two processes, tests of one file one after the other, or three that wait much. */
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    maxConcurrency: 3,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: process.env['CI'] === 'true' ? ['default', 'json'] : ['default'],
    outputFile: { json: 'test-results.json' },
    projects: [
      { extends: true, test: { name: 'pure', include: pure, isolate: false } },
      {
        extends: true,
        test: {
          name: 'whole',
          include: ['test/**/*.test.ts'],
          exclude: pure,
          globalSetup: ['test/parts/global-setup.ts'],
        },
      },
    ],
  },
})
