/** A decision as customers and relationship managers read it, beside what staff read. */
import { describe, expect, test } from 'vitest'
import { explainFor } from '../../../engine/explain/explain-for.ts'
import { reasons } from '../../../rules/reasons.ts'
import { sensitiveWordIn } from '../../../rules/sensitive-words.ts'
import type { Decision, Fate } from '../../../sinks/decision.ts'
import { createBank, day0, dayMs, settle } from '../step/bank.ts'
import { loadBank, bank as pieces } from '../step/bank-pack.ts'

const pack = await loadBank()
const at = day0 + 10 * dayMs
const languages = ['en', 'zh'] as const
const others = ['customer', 'manager'] as const

function inMourning(): Decision {
  const bank = createBank(pack)
  settle(bank, 'c', at - 2)
  bank.send('c', 'life_event.reported', { kind: 'bereavement' }, { at: at - 40 * dayMs, acceptedAt: at - 40 * dayMs })
  return bank.ask('c', 'home-banner', { at, count: 1, requestId: 'r1' }).decision
}

/** The decision with one refused candidate more, as every code would leave it. */
function refusedFor(reason: string): Decision {
  const decision = inMourning()
  const template = decision.fates[0]
  if (template === undefined) throw new Error('the banner has candidates')
  const fate: Fate = { ...template, offer: 'study-loan', stage: 'guardrail', reason, rule: 'no-credit-without-income' }
  return {
    ...decision,
    outcome: 'none',
    reason: 'all_dropped',
    offers: [],
    fates: [{ ...fate, possibleAt: at + dayMs }],
  }
}

test('a customer reads what was shown, that other things are not available, and a reference', () => {
  const decision = inMourning()
  const words = explainFor('customer', decision, pack, 'en')
  expect(words[0]).toBe('On 2026-01-11 00:00:00 (UTC) we looked at what to offer.')
  expect(words[1]).toMatch(/^Shown or sent: The .*\.$/)
  expect(words).toContain('- The honeymoon-instalment is not available to you at the moment.')
  expect(words.at(-1)).toBe(`Reference for questions: ${decision.id}.`)
  expect(explainFor('customer', decision, pack, 'zh')).toContain('- “中文：The honeymoon-instalment”目前暂不向您提供。')
})

test('a manager reads what to do, and no cause', () => {
  const text = explainFor('manager', inMourning(), pack, 'en').join('\n')
  expect(text).toContain('A rule that protects customers keeps The honeymoon-instalment from this customer now.')
  expect(text).toContain('The consumer-loan was not the best thing to say at that moment.')
})

test('staff read all of it', () => {
  const text = explainFor('staff', inMourning(), pack, 'en').join('\n')
  expect(text).toContain('the customer reported a death in the family')
  expect(text).toContain(pack.hash)
})

describe.each(others)('the words for a %s', (audience) => {
  test.each(languages)(
    'name no rule, value, trigger, score or sensitive word, whatever the reason (%s)',
    (language) => {
      const names = pieces.offers.map(({ title }) => title[language])
      for (const code of Object.keys(reasons)) {
        const words = explainFor(audience, refusedFor(code), pack, language)
        const text = words.join('\n')
        expect(sensitiveWordIn(text, language, names), code).toBeNull()
        expect(text, code).not.toMatch(/no-credit-without-income|profile\.|corner-bank/)
        expect(text, code).not.toContain(pack.hash)
        expect(text).not.toMatch(/undefined|NaN|[{}]/)
      }
    },
  )

  test('are the same whether a guardrail or a comparison group was the reason, but for what a manager is to do', () => {
    const told = (code: string) => explainFor('customer', refusedFor(code), pack, 'en').slice(1)
    expect(told('bereavement')).toEqual(told('holdout'))
    expect(told('unemployment')).toEqual(told('placement_full'))
  })

  test('say nothing of an offer whose pack is gone but that it was one', () => {
    const text = explainFor(audience, inMourning(), null, 'en').join('\n')
    for (const { id } of pieces.offers) expect(text).not.toContain(`${id} `)
    expect(text).toContain('The offer')
  })

  test('read also for a reason of another release', () => {
    const text = explainFor(audience, refusedFor('a_code_to_come'), pack, 'en').join('\n')
    expect(text).not.toContain('a_code_to_come')
    expect(text).toContain('The study-loan is not')
  })
})

test('only how often somebody is contacted has an instant for customers: the end of a suppression would name its rule', () => {
  const told = (code: string) => explainFor('customer', refusedFor(code), pack, 'en').join('\n')
  expect(told('cap_reached')).toContain('Possible again on 2026-01-12 00:00:00 (UTC)')
  for (const code of ['bereavement', 'hardship', 'open_complaint', 'holdout', 'no_consent'])
    expect(told(code)).not.toContain('Possible again')
})

test('an offer may bring its own sentence, which stands for every such reason alike', async () => {
  const offers = pieces.offers.map((offer) =>
    offer.id === 'study-loan' ? { ...offer, unavailable: { en: 'Ask us in March.', zh: '请于三月咨询。' } } : offer,
  )
  const own = await loadBank({ offers })
  for (const code of ['bereavement', 'not_eligible', 'holdout', 'placement_full', 'final_gate']) {
    expect(explainFor('customer', refusedFor(code), own, 'en')).toContain('- Ask us in March.')
    expect(explainFor('customer', refusedFor(code), own, 'zh')).toContain('- 请于三月咨询。')
    expect(explainFor('manager', refusedFor(code), own, 'en').join('\n')).not.toContain('March')
  }
  expect(explainFor('customer', refusedFor('cap_reached'), own, 'en').join('\n')).not.toContain('March')
})
