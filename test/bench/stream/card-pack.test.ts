/**
 * Goal: ours and the others are asked the same thing in the benchmark `stream`. Method: the pack is compared with the rules and
 * counters that the others are given.
 */
import { beforeAll, expect, test } from 'vitest'
import { loadBenchPack } from '../../../bench/step/bench-pack.ts'
import { cardCel, cardCounters, cardEvent, cardRules } from '../../../bench/stream/card-rules.ts'
import type { Model } from '../../../rules/model.ts'

let model: Model

beforeAll(async () => {
  model = (await loadBenchPack('card')).model
})

test('the triggers of the pack are the twenty rules, in words and order', () => {
  const squeezed = (text: string | null) => text?.replaceAll(/\s+/g, ' ').trim()
  expect(model.triggers.map(({ id, on, when }) => [id, on, squeezed(when)])).toEqual(
    cardRules.map((rule) => [rule.id, cardEvent, cardCel(rule)]),
  )
  expect(cardRules).toHaveLength(20)
})

test('the features of the pack are the eight lifetime counters', () => {
  expect(
    model.features.map(({ id, kind, event, where, value, window }) => [id, kind, event, where, value, window.kind]),
  ).toEqual(
    cardCounters.map(({ name, adds, only }) => [
      name,
      adds === 'one' ? 'count' : 'sum',
      cardEvent,
      only === null ? null : `event.${only.field} == "${only.equals}"`,
      adds === 'one' ? null : 'amount',
      'lifetime',
    ]),
  )
  expect(cardCounters).toHaveLength(8)
})

test('every trigger proposes an offer of its own, so that fates tell the rules apart', () => {
  const offers = model.triggers.flatMap(({ offers }) => offers)
  expect(new Set(offers).size).toBe(cardRules.length)
  expect(offers).toHaveLength(cardRules.length)
})
