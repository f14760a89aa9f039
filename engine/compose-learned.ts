import type { CompiledPack } from '../rules/compiled.ts'
import { type LoadedLearned, loadLearned } from '../rules/learned-table.ts'
import type { Config } from './config.ts'
import { InstallationError } from './installation-error.ts'
import { cellsUsed } from './step/funnel/learned-arms.ts'

/**
 * The learned propensities of `LEARNED`; null when it names none.
 * @throws InstallationError `learned_refused` when the file is not there or not right: nothing is started without what it was told
 */
export async function openLearned({ LEARNED: file }: Config): Promise<LoadedLearned | null> {
  if (file === undefined) return null
  const result = await loadLearned(file)
  if (result.kind === 'ok') return result.learned
  throw new InstallationError(
    'learned_refused',
    `${result.problem} Write it with \`proffer learn\`, or unset LEARNED (${file}).`,
  )
}

/** What an operator should know of them: which they are, and how much of them the pack uses. */
export function learnedFacts(learned: LoadedLearned | null, { offers }: CompiledPack): readonly string[] {
  if (learned === null) return []
  const { table, hash } = learned
  const used = cellsUsed(offers, table)
  const rest = used < table.cells.length ? `, ${table.cells.length - used} for what the pack does not have` : ''
  const tired = table.fatigue.map(({ rule, pass }) => `, ${rule} lets ${Math.round(pass * 100)} % of marketing pass`)
  return [
    `learned propensities ${hash.slice(0, 12)}: ${used} of offers and segments of the pack${rest}${tired.join('')}`,
  ]
}
