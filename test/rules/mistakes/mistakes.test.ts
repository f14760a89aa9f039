/**
 * Each mistake is written into the shipped pack, which must then be refused as a whole, with the file, the line, the rule
 * and a reason a person can act on.
 */
import { expect, test } from 'vitest'
import { sortProblems } from '../../../rules/pack-problem.ts'
import { loadPatched } from '../patched-pack.ts'
import { wrongConditions } from './conditions.ts'
import { holes } from './holes.ts'
import { impossibleRules } from './impossible.ts'
import { wrongNames } from './names.ts'
import { wrongQuantities } from './quantities.ts'
import { wrongTellings } from './telling.ts'

const mistakes = [...wrongNames, ...wrongConditions, ...wrongQuantities, ...impossibleRules, ...holes, ...wrongTellings]

test.each(mistakes)('the check refuses $name', async ({ patches, code, rule, at, file }) => {
  const { result, files } = await loadPatched(patches)
  expect(result.kind).toBe('refused')
  if (result.kind !== 'refused') return
  const where = file ?? patches[0]?.file ?? ''
  const text = files.get(where) ?? ''
  expect(text.split(at), `"${at}" marks one line of ${where}`).toHaveLength(2)
  const line = text.slice(0, text.indexOf(at)).split('\n').length
  const found = result.problems.map((problem) => `${problem.file}:${problem.line} ${problem.rule} ${problem.code}`)
  expect(found).toContain(`${where}:${line} ${rule} ${code}`)
  for (const problem of result.problems) expect(problem.message).toMatch(/^\S.{20,}[.?]$/s)
  expect(result.problems).toEqual(sortProblems(result.problems))
})

test('at least thirty different mistakes are known', () => {
  expect(new Set(mistakes.map((mistake) => mistake.name)).size).toBe(mistakes.length)
  expect(mistakes.length).toBeGreaterThanOrEqual(40)
})
