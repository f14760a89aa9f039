/**
 * Goal: the benchmark `stages` measures the whole funnel and nothing else. Method: the size of its pack, and a small run, in which it compares
 * every decision of the stages written out with that of the step.
 */
import { expect, test } from 'vitest'
import { loadGeneratedPack } from '../../../bench/stages/generated-pack.ts'
import { timedStages } from '../../../bench/stages/staged-step.ts'
import { measureStages } from '../../../bench/stages/stages.ts'

const size = { offers: 50, guardrails: 30, caps: 20 }

test('the generated pack has the size that was asked for, and gaps and quiet hours', async () => {
  const { model } = await loadGeneratedPack(size)
  const { offers, guardrails, caps, gaps, quietHours } = model
  expect([offers.length, guardrails.length, caps.length, gaps.length, quietHours.length]).toEqual([50, 30, 20, 4, 2])
  expect(model.triggers.map((trigger) => trigger.offers.length)).toEqual([50])
})

test('the stages written out decide as the step does, and every stage of the funnel stops somebody', {
  timeout: 60_000,
}, async () => {
  const { fates, stages, withoutReasons } = await measureStages({ ...size, customers: 10, journeys: 8, rounds: 1 })
  expect(Object.values(fates).reduce((sum, count) => sum + count, 0)).toBeCloseTo(50, 6)
  expect(Object.keys(fates)).toEqual(
    expect.arrayContaining([
      'eligibility',
      'suitability',
      'guardrail',
      'contact',
      'arbitration',
      'placement',
      'offered',
    ]),
  )
  expect(stages).toHaveLength(timedStages.length)
  expect(stages.every((us) => us >= 0)).toBe(true)
  expect(withoutReasons.median).toBeGreaterThan(0)
})
