/**
 * Each mistake is written into the shipped pack, which must then be refused as a whole (or, of what does nothing, warned of), with the file, the line, the rule
 * and a reason a person can act on.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checks, moreOf } from '../../../rules/check/checks.ts'
import { packProblemCodes, sortProblems } from '../../../rules/pack-problem.ts'
import { loadPatched } from '../patched-pack.ts'
import { bypasses } from './bypasses.ts'
import { wrongConditions } from './conditions.ts'
import { holes } from './holes.ts'
import { impossibleRules } from './impossible.ts'
import { wrongNames } from './names.ts'
import { unfairPrices } from './prices.ts'
import { wrongQuantities } from './quantities.ts'
import { wrongTellings } from './telling.ts'
import { doingNothing } from './unused.ts'
import { wrongWindows } from './windows.ts'

const mistakes = [
  ...wrongNames,
  ...wrongConditions,
  ...wrongQuantities,
  ...impossibleRules,
  ...holes,
  ...bypasses,
  ...wrongTellings,
  ...doingNothing,
  ...wrongWindows,
  ...unfairPrices,
]

test.each(mistakes)('the check finds $name', async (mistake) => {
  const { patches, code, rule, at, file } = mistake
  const { result, files } = await loadPatched(patches, Date.parse('2026-07-01T00:00:00Z'))
  expect(result.kind).toBe(mistake.warns === true ? 'ok' : 'refused')
  const found = result.kind === 'refused' ? result.problems : result.warnings
  const where = file ?? patches[0]?.file ?? ''
  const text = files.get(where) ?? ''
  expect(text.split(at), `"${at}" marks one line of ${where}`).toHaveLength(2)
  const line = text.slice(0, text.indexOf(at)).split('\n').length
  const told = found.map((problem) => `${problem.file}:${problem.line} ${problem.rule} ${problem.code}`)
  expect(told).toContain(`${where}:${line} ${rule} ${code}`)
  const own = found.filter((one) => one.file === where && one.line === line && one.rule === rule && one.code === code)
  expect(own.map(({ counterexample }) => counterexample)).toContain(mistake.counterexample)
  expect(checks[code].certainty).toBe(mistake.sure ?? 'complete')
  for (const problem of found) expect(problem.message).toMatch(/^\S.{20,}[.?]$/s)
  expect(found).toEqual(sortProblems(found))
})

test('what a check is sure of stands in the README as the code has it', async () => {
  const readme = await readFile(join(import.meta.dirname, '../../../rules/check/README.md'), 'utf8')
  const rows = packProblemCodes.map((code) => {
    const check = checks[code]
    return `| \`${code}\` | ${check.certainty === 'complete' ? 'complete' : 'best effort'} | ${check.finds}.${moreOf(check)} |`
  })
  const [, table = ''] = readme.split('| Code | Certainty | Finds |\n| --- | --- | --- |\n')
  expect(table.split('\n').filter((row) => row !== '')).toEqual(rows)
})

test('everything that is best effort shows what it found, and a mistake of each is known', () => {
  const unshown = packProblemCodes.filter(
    (code) =>
      checks[code].certainty === 'best_effort' &&
      code !== 'forbidden_leaves' &&
      !mistakes.some((mistake) => mistake.code === code && mistake.counterexample !== undefined),
  )
  expect(unshown).toEqual([])
})

test('at least a hundred different mistakes are known', () => {
  expect(new Set(mistakes.map((mistake) => mistake.name)).size).toBe(mistakes.length)
  expect(mistakes.length).toBeGreaterThanOrEqual(100)
})
