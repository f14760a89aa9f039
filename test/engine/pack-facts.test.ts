/** What history is told of a pack; that decisions are judged rightly by it is held in `conformance/history-forbidden.ts`. */
import { expect, test } from 'vitest'
import { packFactsOf } from '../../engine/pack-facts.ts'
import { loadPack } from '../../rules/load-pack.ts'
import { bank, loadBank } from './step/bank-pack.ts'

const result = await loadPack('rules/packs/retail-bank')
if (result.kind !== 'ok') throw new Error('the pack that ships loads')
const facts = packFactsOf(result.pack.model, result.pack.hash)

test('every condition of the pack that ships can be judged', () => {
  expect(facts.unjudged).toEqual([])
  const suppressing = result.pack.model.guardrails.filter(({ suppression }) => suppression !== null)
  const set = facts.suppressions.filter(({ effect }) => effect === 'set')
  expect(set.map(({ guardrail }) => guardrail)).toEqual(suppressing.map(({ id }) => id))
})

test('a guardrail is there for each category, class and channel that some offer has, and for no other', () => {
  const guards = facts.guards.filter(({ guardrail }) => guardrail === 'nothing-binding-for-minors')
  expect(new Set(guards.map(({ category }) => category))).toEqual(
    new Set(['consumer_loan', 'beauty_loan', 'gaming_loan', 'travel_loan', 'family', 'insurance', 'wealth']),
  )
  expect(guards.find(({ category, channel }) => category === 'wealth' && channel === 'phone')).toMatchObject({
    role: '',
    conditions: [
      [['profile.age', [[-Number.MAX_VALUE, 17, 0, 0]]]],
      [['profile.age', [[111, Number.MAX_VALUE, 0, 0]]]],
    ],
  })
  expect(guards.some(({ channel }) => channel === 'email')).toBe(false)
})

test('an allow stands with the guardrails it may open, and only with those in its scope', () => {
  const dispute = facts.guards.filter(({ guardrail }) => guardrail === 'no-marketing-while-a-dispute-is-open')
  const allows = (category: string, channel: string) =>
    dispute.find((one) => one.category === category && one.channel === channel)?.allows
  expect(allows('savings', 'in_app')).toEqual([[['profile.totalAssets', [[10_000_000, Number.MAX_VALUE, 0, 0]]]]])
  expect(allows('savings', 'push')).toEqual([])
  expect(allows('wealth', 'in_app')).toEqual([])
})

test('what compares a number with a number is named as not judged', async () => {
  const debt = {
    id: 'no-more-than-they-have',
    reason: 'overdue_debt',
    text: { en: 'Nothing for who spends more than they have.', zh: '测试。' },
    closes: { categories: ['beauty_credit'] },
    when: 'spend_7d > profile.assets',
  }
  const { model, hash } = await loadBank({ guardrails: [...bank.guardrails, debt] })
  const { unjudged, guards } = packFactsOf(model, hash)
  expect(unjudged).toEqual(['no-more-than-they-have'])
  expect(guards.find(({ guardrail }) => guardrail === 'no-more-than-they-have')?.conditions).toEqual([])
})
