/** `proffer check PACK`: is this rule pack sound? */
import { loadPack } from '../../rules/load-pack.ts'
import { formatProblems } from '../../rules/pack-problem.ts'

/** Prints every problem with file, line, rule and reason; exit code 0 when the pack is sound, 1 when it is not. */
export async function checkPackFolder(folder: string, asJson: boolean): Promise<number> {
  const result = await loadPack(folder)
  if (asJson) {
    const { kind } = result
    const answer =
      result.kind === 'ok'
        ? { kind, hash: result.pack.hash, warnings: result.warnings }
        : { kind, problems: result.problems }
    process.stdout.write(`${JSON.stringify(answer)}\n`)
    return result.kind === 'ok' ? 0 : 1
  }
  if (result.kind === 'refused') {
    process.stdout.write(`${formatProblems(result.problems)}\n`)
    process.stderr.write(`\nThe pack is refused: ${result.problems.length} problem(s).\n`)
    return 1
  }
  const { model, hash } = result.pack
  if (result.warnings.length > 0) process.stdout.write(`${formatProblems(result.warnings)}\n`)
  process.stdout.write(
    `${model.name} is sound: ${model.features.length} features, ${model.triggers.length} triggers, ` +
      `${model.guardrails.length} guardrails, ${model.offers.length} offers, ${model.placements.length} placements.\n` +
      `version ${hash}\n`,
  )
  return 0
}
