import { loadPack } from '../../rules/load-pack.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { hashOf } from '../../rules/pack-hash.ts'
import { formatProblems } from '../../rules/pack-problem.ts'

/** `card`: eight counters and twenty rules, as the peers of the benchmark `stream` have them. */
export type PackName = 'retail-bank' | 'card'

const folders = {
  'retail-bank': new URL('../../rules/packs/retail-bank', import.meta.url),
  card: new URL('../stream/pack', import.meta.url),
} as const satisfies Readonly<Record<PackName, URL>>

/** A pack of the benchmarks, checked, without its quiet hours: a run at night is to do the work that a run by day does. */
export async function loadBenchPack(name: PackName): Promise<LoadedPack> {
  const result = await loadPack(folders[name].pathname)
  if (result.kind === 'refused') throw new Error(`the pack is refused:\n${formatProblems(result.problems)}`)
  const model = { ...result.pack.model, quietHours: [] }
  return { model, hash: hashOf(model) }
}
