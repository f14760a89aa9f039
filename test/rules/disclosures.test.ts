/** Who is told what of a reason: nobody but staff learns what is inferred of a customer. */
import { expect, test } from 'vitest'
import { appReasonOf, appReasons, disclosureKinds, disclosures, neutralText } from '../../rules/disclosures.ts'
import { reasonHoles, tellReason } from '../../rules/explain-texts.ts'
import { guardrailReasons, isReasonCode, type ReasonCode, reasons } from '../../rules/reasons.ts'
import { sensitiveWordIn, sensitiveWords } from '../../rules/sensitive-words.ts'

const codes: readonly ReasonCode[] = Object.keys(reasons).filter(isReasonCode)
const languages = ['en', 'zh'] as const

/** Codes that say, or let one guess, what the bank infers of somebody. */
const sensitive: readonly ReasonCode[] = [
  ...['unemployment', 'bereavement', 'illness', 'divorce', 'hardship', 'student', 'minor'],
  ...['vulnerable_customer', 'overdue_debt', 'open_complaint', 'open_dispute', 'legal_restriction', 'bank_policy'],
  ...['unlawful_source', 'not_eligible', 'eligibility_unknown', 'unsuitable_risk_grade', 'channel_fatigued', 'holdout'],
  ...['lost_arbitration', 'below_nothing', 'final_gate'],
].filter(isReasonCode)

const answers: readonly ReasonCode[] = [
  ...['all_dropped', 'silence_chosen', 'held_out', 'superseded', 'recalled', 'erased', 'no_candidate'],
].filter(isReasonCode)

test.each(codes)('%s has a text for each audience in both languages', (code) => {
  for (const language of languages) {
    for (const audience of ['customer', 'manager', 'staff'] as const) {
      const told = tellReason(code, audience, language)
      expect(told).toMatch(language === 'en' ? /^[A-Z].{15,}\.$/ : /[\u4e00-\u9fff].*。$/)
      expect(told).not.toMatch(/[{}]|undefined/)
    }
  }
  for (const { en, zh } of [disclosures[disclosureKinds[code]].customer, disclosures[disclosureKinds[code]].manager]) {
    const holes = (text: string) => new Set([...text.matchAll(/\{([a-z]+)\}/g)].map((match) => match[1]))
    expect(holes(zh)).toEqual(holes(en))
    for (const hole of holes(en)) expect(reasonHoles).toContain(hole)
  }
})

test.each(codes)('what a customer and a manager are told of %s has no sensitive word and no code', (code) => {
  for (const language of languages) {
    for (const audience of ['customer', 'manager'] as const) {
      const told = tellReason(code, audience, language)
      expect(sensitiveWordIn(told, language)).toBeNull()
      expect(told).not.toMatch(/[a-z]_[a-z]/)
    }
    expect(tellReason(code, 'customer', language)).not.toMatch(/rule|规则|组/)
  }
})

test('a customer cannot tell one sensitive code from another, nor from a harmless one', () => {
  expect(sensitive).toHaveLength(22)
  for (const language of languages) {
    const told = new Set(sensitive.map((code) => tellReason(code, 'customer', language, { offer: 'X' })))
    expect([...told]).toEqual([neutralText[language].replace('{offer}', 'X')])
    for (const code of ['placement_full', 'channel_mismatch', 'stale_event'] as const)
      expect(told).toContain(tellReason(code, 'customer', language, { offer: 'X' }))
    expect(new Set(answers.map((code) => tellReason(code, 'customer', language))).size).toBe(1)
  }
})

test('a guardrail that is not about what the customer chose is told neutrally', () => {
  const chosen = guardrailReasons.filter((code) => disclosureKinds[code] === 'choice')
  expect(chosen).toEqual(['no_consent', 'do_not_contact', 'objection', 'data_sharing'])
  for (const code of guardrailReasons) if (!chosen.includes(code)) expect(sensitive).toContain(code)
})

test('an app is told nothing about the customer, and of the rest the code', () => {
  for (const code of [...sensitive, ...answers]) expect(appReasonOf(code)).toBe('not_available')
  for (const reason of appReasons) {
    expect(appReasonOf(reason)).toBe(reason)
    expect(sensitiveWordIn(reason.replaceAll('_', ' '), 'en')).toBeNull()
    if (isReasonCode(reason)) expect(['offered', 'stranger', 'technical']).toContain(disclosureKinds[reason])
  }
  expect(appReasonOf('a code of a later release')).toBe('not_available')
})

test.each([
  ['Because you are unemployed.', 'en', 'unemployed'],
  ['DUE TO YOUR DIVORCE', 'en', 'DIVORCE'],
  ['You have been\nlaid  off', 'en', 'laid  off'],
  ['your score is low', 'en', 'score'],
  ['you are ill', 'en', 'ill'],
  ['因您已失业', 'zh', '失业'],
  ['您是学生', 'zh', '学生'],
] as const)('"%s" is found out', (text, language, word) => {
  expect(sensitiveWordIn(text, language)?.word).toBe(word)
})

test.each([
  ['We will show you how it works: an illustrated guide, still in stock.', 'en'],
  ['Ask in any branch, on the homepage or by telephone, on any working day.', 'en'],
  ['请在工作日咨询任意网点。', 'zh'],
] as const)('"%s" is harmless', (text, language) => {
  expect(sensitiveWordIn(text, language)).toBeNull()
})

test('a word in the name of the product is no reason, beside it it is', () => {
  const names = ['Student account', 'Student account plus']
  expect(sensitiveWordIn('Student account plus is not open now.', 'en', names)).toBeNull()
  expect(sensitiveWordIn('Student account is for students.', 'en', names)).toEqual({ word: 'students', at: 23 })
})

test('every word of the list is found by itself, and no word is listed twice', () => {
  for (const language of languages) {
    expect(new Set(sensitiveWords[language]).size).toBe(sensitiveWords[language].length)
    for (const word of sensitiveWords[language])
      expect(sensitiveWordIn(`x ${word.replace('*', 'ing')} x`, language), word).not.toBeNull()
  }
})
