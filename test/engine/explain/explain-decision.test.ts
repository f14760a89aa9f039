/** A decision as a business user reads it. */
import { expect, test } from 'vitest'
import { explainDecision } from '../../../engine/explain/explain-decision.ts'
import { beginStock } from '../../../engine/step/funnel/stock.ts'
import { nothingKnown } from '../../../engine/step/funnel/stock-view.ts'
import { giftPack } from '../shard/stock-bank.ts'
import { createBank, day0, dayMs, settle } from '../step/bank.ts'
import { loadBank } from '../step/bank-pack.ts'

const pack = await loadBank()
const at = day0 + 10 * dayMs

function banner() {
  const bank = createBank(pack)
  settle(bank, 'c', at - 2)
  bank.send('c', 'profile.updated', { totalAssets: 200_000_000, currency: 'CNY' }, { at: at - 1 })
  bank.send('c', 'life_event.reported', { kind: 'bereavement' }, { at: at - 40 * dayMs, acceptedAt: at - 40 * dayMs })
  return bank.ask('c', 'home-banner', { at, count: 1, requestId: 'r1' }).decision
}

test('an answer tells who asked, what won and why, and why not each other offer', () => {
  const words = explainDecision(banner(), pack, 'en')
  const text = words.join('\n')
  expect(words[0]).toBe('2026-01-11 00:00:00: home-banner (app) asked what to show customer c (request r1).')
  expect(words).toContain('Offered: The beauty-loan.')
  expect(text).toContain('then by score 9 = propensity x context x value x lever = 1 x 1 x 9 x 1.')
  expect(words).toContain('Why not the other 7 candidates:')
  expect(text).toContain('The consumer-loan would have been next, but home-banner was already full.')
  expect(text).toContain('The honeymoon-instalment was withheld: the customer reported a death in the family')
  expect(text).toContain('product grade R5, highest grade allowed R3')
  expect(text).toContain('its condition is not met (profile.assets >= money("500000.00")')
  expect(text).toContain('Not to be sent or shown after 2026-01-12 00:00:00.')
  expect(text).toContain(pack.hash)
})

test('values are told in their units', () => {
  const words = explainDecision(banner(), pack, 'en')
  expect(words).toContain('- profile.assets: 2,000,000.00 CNY')
  expect(words).toContain('- profile.riskGrade: balanced')
  expect(words).toContain('- profile.student: no')
})

test('a triggered decision tells the event, the trigger and what it counted', () => {
  const bank = createBank(pack)
  settle(bank, 'c', day0)
  bank.send('c', 'search.made', { category: 'early_education' }, { at: day0 + 90 * dayMs })
  for (const day of [5, 35, 65])
    bank.send('c', 'card.purchase', { merchantCategory: 'maternity' }, { at: day0 + day * dayMs })
  let words: readonly string[] = []
  for (const hour of [1, 2, 3]) {
    const when = day0 + 100 * dayMs + hour * 3_600_000
    const [decision] = bank.send('c', 'card.purchase', { merchantCategory: 'maternity' }, { at: when }).decisions
    if (decision !== undefined) words = explainDecision(decision, pack, 'en')
  }
  expect(words[0]).toContain('card.purchase from core-banking was seen for customer c')
  expect(words).toContain('Offered: The family-bundle (Education savings + Maternity instalment, together).')
  expect(words).toContain('Proposed by trigger mother-and-baby.')
  expect(words.join('\n')).toContain(
    'maternity_growth (growth of card.purchase against the customer’s own baseline, 30 days): +200 %',
  )
})

test('a stale event and a full cap are told with their limits', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at)
  const thank = (now: number) => bank.send('c', 'repayment.made', { amount: 500_000 }, { at, now }).decisions[0]
  const stale = thank(at + 3_600_000)
  expect(stale && explainDecision(stale, pack, 'en').join('\n')).toContain('it was 1 hour old, the limit is 15 minutes')
  for (let i = 0; i < 3; i++) thank(at)
  const full = thank(at)
  expect(full && explainDecision(full, pack, 'en').join('\n')).toContain('(At most three SMS in seven days: 3 of 3)')
})

test('the same decision reads in Chinese, with Chinese titles', () => {
  const text = explainDecision(banner(), pack, 'zh').join('\n')
  expect(text).toContain('已推荐：中文：The beauty-loan。')
  expect(text).toContain('未推荐“中文：The honeymoon-instalment”：客户报告亲属去世')
  expect(text).not.toMatch(/\b(Offered|Why not|was withheld)\b/)
})

test('a decision whose pack is gone still reads, with ids', () => {
  const words = explainDecision(banner(), null, 'en')
  expect(words).toContain('Offered: beauty-loan.')
  expect(words.join('\n')).toContain('no longer kept: ids instead of titles')
  expect(words.join('\n')).not.toMatch(/undefined|NaN|\{[a-z]+\}/)
})

test('what is sold out is told with what was left, and what is kept for the customer until when', async () => {
  const gifts = await giftPack({ units: 10 })
  const bank = createBank(gifts)
  settle(bank, 'c', at)
  const told = (left: readonly number[], language: 'en' | 'zh' = 'en') => {
    beginStock({ left, ...nothingKnown }, bank.context.run)
    const { decision } = bank.ask('c', 'home-banner', { at })
    return explainDecision(decision, gifts, language).join('\n')
  }
  expect(told([0, 0])).toContain('Gift is sold out: 1 of gifts would be taken, 0 left.')
  expect(told([0, 0], 'zh')).toContain('“gift”已告罄：需占用gifts1份，剩余0份。')
  expect(told([Number.NaN, 0])).toContain('how much is left of gifts is not known now, and 1 would be taken.')
  expect(told([3, 0])).toContain(
    'Reserved for the customer until 2026-01-11 00:01:01 (UTC): 1 of gifts, of which 3 were left.',
  )
})
