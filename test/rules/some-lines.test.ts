/** Goal: ten thousand findings do not run off the screen, and none of them is hidden without a word. */
import { expect, test } from 'vitest'
import { formatProblems, type PackProblem } from '../../rules/pack-problem.ts'
import { findingsShown, someLines } from '../../rules/some-lines.ts'

const lines = Array.from({ length: 10_000 }, (_, i) => `line ${i}`)

test('the first ones, then how many more there are and how to see them', () => {
  const shown = someLines(lines, '--all')
  expect(shown).toHaveLength(findingsShown + 1)
  expect(shown.slice(0, findingsShown)).toEqual(lines.slice(0, findingsShown))
  expect(shown.at(-1)).toBe('And 9,900 more; `--all` shows them all.')
})

test('all where all are wanted, and where they are no more than are shown', () => {
  expect(someLines(lines, null)).toEqual(lines)
  expect(someLines(lines.slice(0, findingsShown), '--all')).toEqual(lines.slice(0, findingsShown))
})

test('problems are cut in the order in which they are told', () => {
  const problems = lines.map((message, i): PackProblem => {
    return { file: 'a.yaml', line: 10_000 - i, rule: 'r', code: 'key_unknown', message }
  })
  const [first, ...rest] = formatProblems(problems).split('\n')
  expect(first).toBe('a.yaml:1 r key_unknown: line 9999')
  expect(rest).toHaveLength(findingsShown)
  expect(rest.at(-1)).toBe('And 9,900 more; `proffer check PACK --all` shows them all.')
  expect(formatProblems(problems, null).split('\n')).toHaveLength(10_000)
})
