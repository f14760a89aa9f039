import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { explainReason, reasonHoles } from '../../rules/explain-texts.ts'
import { packProblemCodes } from '../../rules/pack-problem.ts'
import { guardrailReasons, isReasonCode, type ReasonCode, reasons } from '../../rules/reasons.ts'

const codes: readonly ReasonCode[] = Object.keys(reasons).filter(isReasonCode)

test.each(codes)('the reason %s has a sentence in both languages with the same holes', (code) => {
  const { en, zh } = reasons[code]
  expect(en).toMatch(/^[A-Z{].{15,}\.$/)
  expect(zh).toMatch(/[\u4e00-\u9fff].*。$/)
  const holes = (text: string) => new Set([...text.matchAll(/\{([a-z]+)\}/g)].map((match) => match[1]))
  expect(holes(zh)).toEqual(holes(en))
  for (const hole of holes(en)) expect(reasonHoles).toContain(hole)
})

test('a sentence reads also when nothing is filled in', () => {
  for (const code of codes) {
    for (const language of ['en', 'zh'] as const) expect(explainReason(code, language)).not.toMatch(/[{}]|undefined/)
  }
})

test('values go into their holes, braces and dollars included', () => {
  const sentence = explainReason('cap_reached', 'en', { offer: '$& {rule}', rule: 'sms', value: '3', limit: '3' })
  expect(sentence).toBe('$& {rule} was not sent: the customer has been contacted often enough (sms: 3 of 3).')
})

test('every guardrail reason is a reason of the guardrail stage', () => {
  for (const reason of guardrailReasons) expect(reasons[reason].stage).toBe('guardrail')
})

test('every stage of the funnel has a reason', () => {
  const stages = new Set(codes.map((code) => reasons[code].stage))
  const funnel = [
    'trigger',
    'eligibility',
    'suitability',
    'guardrail',
    'contact',
    'holdout',
    'arbitration',
    'placement',
  ]
  for (const stage of [...funnel, 'final_gate', 'offered', 'answer', 'silence']) expect(stages).toContain(stage)
})

test('a text that is no reason is told apart', () => {
  expect(isReasonCode('toString')).toBe(false)
  expect(isReasonCode('bereavement')).toBe(true)
})

test('no code of a pack problem is listed twice', () => {
  expect(new Set(packProblemCodes).size).toBe(packProblemCodes.length)
})

test('the README says for every code what to do', async () => {
  const readme = await readFile(join(import.meta.dirname, '../../rules/README.md'), 'utf8')
  for (const code of packProblemCodes) expect(readme).toContain(`\`${code}\``)
})
