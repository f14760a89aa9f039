import { z } from 'zod'
import { someLines } from '../../rules/some-lines.ts'
import { isRecord } from './client.ts'

/**
 * What `check` or `test` say of a pack that the engine refused, from the body of its answer; empty: it says nothing of that.
 * @param pack what the command calls it
 */
export function refusedPackText(body: unknown, pack: string): string {
  const text = (lines: readonly string[], command: 'check' | 'test'): string =>
    someLines(lines, `proffer ${command} ${pack} --all`)
      .map((line) => `${line}\n`)
      .join('')
  const report = isRecord(body) ? body['report'] : undefined
  const problems = z
    .looseObject({ problems: z.array(z.looseObject({ file: z.string(), line: z.number(), message: z.string() })) })
    .safeParse(report)
  if (problems.success)
    return text(
      problems.data.problems.map(({ file, line, message }) => `${file}:${line} ${message}`),
      'check',
    )
  const unproven = z.looseObject({ counterexamples: z.array(z.string()) }).safeParse(report)
  if (unproven.success)
    return text(
      unproven.data.counterexamples.map((words) => `! ${words}`),
      'check',
    )
  const tested = z
    .looseObject({ scenarios: z.array(z.looseObject({ name: z.string(), passed: z.boolean() })) })
    .safeParse(report)
  if (!tested.success) return ''
  const failed = tested.data.scenarios.filter(({ passed }) => !passed)
  return `${text(
    failed.map(({ name }) => `✗ ${name}`),
    'test',
  )}See \`proffer test\` for what came.\n`
}
