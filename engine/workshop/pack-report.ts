/** What is found out about a pack as it stands in its files: is it sound, what is proven of it, do its scenarios come out. */
import { compilePack } from '../../rules/compile-pack.ts'
import { type LoadResult, loadPackFiles } from '../../rules/load-pack.ts'
import type { LoadedPack } from '../../rules/model.ts'
import type { PackProblem } from '../../rules/pack-problem.ts'
import type { PackFiles } from '../../rules/pack-texts.ts'
import { loadScenarioFiles } from '../../rules/scenarios/load-scenarios.ts'
import type { Certificate } from '../proof/certificate.ts'
import { certify } from '../proof/certify.ts'
import { playScenarios } from '../scenarios/play-scenarios.ts'
import { runData } from '../scenarios/report.ts'

/** What `proffer check --json` prints. `ok`: sound and proven. */
export type CheckReport =
  | { readonly kind: 'refused'; readonly problems: readonly PackProblem[] }
  | {
      readonly kind: 'ok' | 'unproven'
      readonly hash: string
      readonly warnings: readonly PackProblem[]
      readonly certificate: Certificate
      /** Customers for whom something forbidden leaves, each in words. */
      readonly counterexamples: readonly string[]
    }

/** What `proffer test --json` prints. */
export type TestReport =
  | { readonly refused: 'pack' | 'scenarios'; readonly problems: readonly PackProblem[] }
  | ReturnType<typeof runData>

/** Checks a pack that was loaded, and proves it. */
export function checkReport(loaded: LoadResult): CheckReport {
  if (loaded.kind === 'refused') return { kind: 'refused', problems: loaded.problems }
  const { pack, warnings } = loaded
  const certified = certify(compilePack(pack))
  const kind = certified.certificate.verdict === 'proven' ? 'ok' : 'unproven'
  return { kind, hash: pack.hash, warnings, ...certified }
}

/** Loads a pack and plays the scenarios among its files. @param filter only those with this text in their name or file; null: all */
export async function testReport(files: PackFiles, filter: string | null): Promise<TestReport> {
  const loaded = loadPackFiles(files)
  if (loaded.kind === 'refused') return { refused: 'pack', problems: loaded.problems }
  return playFiles(files, loaded.pack, filter)
}

/** Plays the scenarios among the files of a pack that is loaded already. */
export async function playFiles(files: PackFiles, pack: LoadedPack, filter: string | null): Promise<TestReport> {
  const read = loadScenarioFiles(files, pack.model)
  if (read.kind === 'refused') return { refused: 'scenarios', problems: read.problems }
  const meant = read.scenarios.filter(({ name, file }) => isMeant(filter, [name, file]))
  const played = await playScenarios(pack, meant, () => undefined, new AbortController().signal)
  return runData(pack, played, filter === null)
}

function isMeant(filter: string | null, texts: readonly string[]): boolean {
  return filter === null || texts.some((text) => text.toLowerCase().includes(filter.toLowerCase()))
}
