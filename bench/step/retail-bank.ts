import { loadPack } from '../../rules/load-pack.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { formatProblems } from '../../rules/pack-problem.ts'

/** The pack every engine benchmark runs. */
export async function loadRetailBank(): Promise<LoadedPack> {
  const folder = new URL('../../rules/packs/retail-bank', import.meta.url).pathname
  const result = await loadPack(folder)
  if (result.kind === 'ok') return result.pack
  throw new Error(`the pack is refused:\n${formatProblems(result.problems)}`)
}
