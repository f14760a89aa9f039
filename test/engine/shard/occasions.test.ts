/** Silence is counted: every hit of a trigger is an occasion, at which a message left or not, for one reason. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BatchTally } from '../../../engine/shard/batch-tally.ts'
import { type Occasion, occasionsOf } from '../../../engine/shard/occasions.ts'
import { fillFrame } from '../../../engine/step/triggers.ts'
import { createTelemetry } from '../../../engine/telemetry.ts'
import type { Event } from '../../../ingest/event.ts'
import { type Decision, type Fate, released, stages } from '../../../sinks/decision.ts'
import { type Bank, createBank, day0 } from '../step/bank.ts'
import { facts, live, quietBank } from '../step/retail-customers.ts'

const decision = createBank(quietBank).ask('C', 'app_offers', { at: day0 }).decision

const fateOf = (trigger: string | null, stage: Fate['stage'], reason: string, score = 0): Fate => ({
  ...{ offer: `${reason}-${score}`, trigger, stage, reason, rule: null, score, learned: null },
  ...{ propensity: 0, context: 0, value: 0, lever: 0, possibleAt: 0 },
})
const told = (fates: readonly Fate[]) =>
  occasionsOf({ ...decision, fates }).map(({ trigger, best }: Occasion) => [trigger, best.offer])

test('the reason is that of the candidate that came furthest, then of the higher score, then of the first', () => {
  for (const [i, stage] of stages.entries()) {
    const later = stages[i + 1]
    if (later === undefined) continue
    expect(told([fateOf('t', later, 'later'), fateOf('t', stage, 'earlier', 9)])).toEqual([['t', 'later-0']])
  }
  const placed = (reason: string, score: number) => fateOf('t', 'arbitration', reason, score)
  expect(told([placed('a', 1), placed('b', 2), placed('c', 2)])).toEqual([['t', 'b-2']])
})

test('what does not fit the placement never entered the funnel', () => {
  for (const reason of ['channel_mismatch', 'content_type_mismatch'])
    expect(told([fateOf('t', 'placement', reason), fateOf('t', 'eligibility', 'x')])).toEqual([['t', 'x-0']])
  expect(told([fateOf('t', 'eligibility', 'x'), fateOf('t', 'placement', 'placement_full')])).toEqual([
    ['t', 'placement_full-0'],
  ])
})

test('each trigger is an occasion of its own, and who was asked by an app none', () => {
  const fates = [fateOf('b', 'contact', 'x'), fateOf('a', 'offered', 'y'), fateOf(null, 'offered', 'z')]
  expect(told(fates)).toEqual([
    ['b', 'x-0'],
    ['a', 'y-0'],
  ])
  expect(told([fateOf(null, 'guardrail', 'z')])).toEqual([])
})

/** A bank that counts hits by itself: each trigger of the event's type, asked on the frame as of the event. */
function counting(): { readonly bank: Bank; readonly decisions: Decision[]; hits(): number } {
  const decisions: Decision[] = []
  const events: Event[] = []
  let hits = 0
  const bank = createBank(quietBank, undefined, { onEvent: (event) => events.push(event) })
  const { context } = bank
  const { pack, run, lo, hi } = context
  const send: Bank['send'] = (customerId, type, data, sent) => {
    const outcome = bank.send(customerId, type, data, sent)
    decisions.push(...outcome.decisions)
    const plan = pack.types.get(type)
    if (outcome.status !== 'accepted' || plan === undefined) return outcome
    run.slot = bank.slot(customerId)
    run.asOf = sent.at
    run.lawful = true
    fillFrame(context, plan.triggers.reads)
    const event = events.at(-1)
    for (const index of plan.triggerIndex) {
      const condition = pack.triggers[index]?.condition ?? null
      if (condition === null || condition.must(lo, hi, event?.data ?? null)) hits++
    }
    return outcome
  }
  return { bank: { ...bank, send }, decisions, hits: () => hits }
}

test('made and withheld add up to the hits of triggers, and what waited is an occasion again when it is released', () => {
  let made = 0
  let held = 0
  const withheld = new Set<string>()
  fc.assert(
    fc.property(facts, (who) => {
      const { bank, decisions, hits } = counting()
      live(bank, who)
      const due = bank.states.nextDue(bank.slot('customer'))
      const woken = Number.isFinite(due) && due > 0 ? bank.wake('customer', due) : []
      const own = decisions.flatMap(occasionsOf)
      expect(own).toHaveLength(hits())
      for (const one of [...decisions, ...woken]) {
        const left = occasionsOf(one).filter(({ best }) => best.stage === 'offered')
        expect(left.length > 0).toBe(one.outcome === 'offered')
        made += left.length
        for (const { best } of occasionsOf(one)) if (best.stage !== 'offered') withheld.add(best.reason)
      }
      for (const one of woken) expect(one.cause).toMatchObject(released)
      held += own.filter(({ best }) => best.reason === 'held').length
      expect(woken.flatMap(occasionsOf).length).toBeLessThanOrEqual(
        own.filter(({ best }) => best.reason === 'held').length,
      )
    }),
    { numRuns: 120, seed: 5 },
  )
  expect(made).toBeGreaterThan(50)
  expect(withheld.size).toBeGreaterThan(4)
  expect(held).toBeGreaterThan(50)
})

test('the metrics say what was proposed and what was withheld, by placement, channel and reason', async () => {
  const { bank, decisions } = counting()
  const [someone] = fc.sample(facts, { numRuns: 1, seed: 3 })
  if (someone === undefined) throw new Error('one was asked for')
  live(bank, someone)
  const tally = new BatchTally(bank.context)
  for (const one of decisions) tally.add(one)
  const telemetry = createTelemetry()
  const counts = { events: 1, requests: 0, customers: 1, loaded: 0 }
  telemetry.batch({ ...counts, loadMs: 0, stepMs: 0, stepCpuMs: 0, commitMs: 0, queueMs: 0, tally: tally.take(null) })
  const text = await telemetry.text({
    intake: { received: 0, appended: 0, rejected: {} },
    totals: { accepted: 0, duplicates: 0, deadLettered: 0, decisions: 0 },
    ...{ partitions: [], caches: [], history: null, backfill: { read: 0, added: 0 } },
    watch: { quarantined: [], replaced: 0, throws: new Map() },
    stock: [],
    ...{ packs: [], takeUp: null, shadow: null },
    deadLetters: { kept: 0, bytes: 0, taken: 0, byReason: {}, dropped: 0 },
  })
  const sum = (name: string) =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`))
      .reduce((total, line) => total + Number(line.split(' ').at(-1)), 0)
  const occasions = decisions.flatMap(occasionsOf)
  expect(occasions.length).toBeGreaterThan(3)
  expect(sum('contacts_proposed_total')).toBe(occasions.length)
  expect(sum('contacts_withheld_total')).toBe(occasions.filter(({ best }) => best.stage !== 'offered').length)
  expect(text).not.toMatch(/[{,]customer/)
  expect(tally.take(null)).toBeNull()
})
