/** Goal: a dry run says what the step would do. Method: try it on a copy, then do it, and compare. */
import { expect, test } from 'vitest'
import { createDryRunner, type DryRunInput, type DryRunTask } from '../../../engine/dry-run/dry-run.ts'
import type { CustomerCopy } from '../../../engine/shard/shards.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import { decisionJson } from '../../../sinks/decision-json.ts'
import { type Bank, createBank, day0, dayMs, eventOf, settle } from '../step/bank.ts'
import { loadBank } from '../step/bank-pack.ts'

const pack = await loadBank()
const at = day0 + 10 * dayMs
const run = createDryRunner()

function copyOf(bank: Bank, customerId: string, known = true): CustomerCopy {
  const state = bank.states.encode(bank.slot(customerId))
  return { customerId, partition: 0, known, erasedAt: null, asOf: at, state }
}

function task(customer: CustomerCopy, input: DryRunInput, more: Partial<DryRunTask> = {}): DryRunTask {
  return {
    customer,
    input,
    pack,
    quarantined: [],
    learned: null,
    salt: 'salt of the test',
    past: { observedSince: observed(pack), added: {} },
    left: {},
    clock: 'wall',
    language: 'en',
    ...more,
  }
}

function observed(loaded: LoadedPack): Record<string, number> {
  return Object.fromEntries(compilePack(loaded).layout.series.map(({ key }) => [key, 0]))
}

test('an event that is tried leads to the decision that it then leads to, and the copy stays as it was', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at - 5)
  const event = eventOf('c', 'repayment.made', { amount: 500_000 }, { at, id: 'r1' })
  const copy = copyOf(bank, 'c')
  const before = copy.state.slice()
  const tried = run(task(copy, { kind: 'event', event }))
  expect(copy.state).toEqual(before)
  expect(bank.states.encode(bank.slot('c'))).toEqual(before)
  const done = bank.send('c', 'repayment.made', { amount: 500_000 }, { at, id: 'r1' })
  expect(done.decisions[0]?.outcome).toBe('offered')
  expect(tried).toMatchObject({
    kind: 'done',
    run: { status: 'accepted', decisions: done.decisions.map(decisionJson), packHash: pack.hash },
  })
  // A second one finds the contact that the first one took; a dry run again takes nothing.
  const again = run(task(copy, { kind: 'event', event }))
  expect(again).toEqual(tried)
})

test('a request is told with all candidates, reasons and the values of then', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at - 5)
  const placement = pack.model.placements.find(({ direction }) => direction === 'inbound')?.id ?? ''
  const tried = run(task(copyOf(bank, 'c'), { kind: 'request', placement, count: null, requestId: 'q' }))
  if (tried.kind !== 'done') throw new Error('it is done')
  const done = bank.ask('c', placement, { at, requestId: 'q', count: 20 })
  const [decision] = tried.run.decisions
  expect(decision?.fates).toEqual(done.decision.fates)
  expect(decision?.fates.length).toBeGreaterThan(1)
  expect(decision?.explanation.join('\n')).toContain(pack.hash)
  expect(tried.run.customer.variables.find(({ name }) => name === 'profile.assets')?.value).toBe('100,000.00 CNY')
})

test('under another pack what is not counted in the pack in force is unknown, and that is said', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at - 5)
  const event = eventOf('c', 'repayment.made', { amount: 500_000 }, { at, id: 'r1' })
  const past = { observedSince: {}, added: {} }
  const tried = run(task(copyOf(bank, 'c'), { kind: 'event', event }, { past }))
  if (tried.kind !== 'done') throw new Error('it is done')
  const [feature] = pack.model.features
  expect(tried.run.notes.join('\n')).toContain(feature?.id)
  expect(tried.run.customer.variables.find(({ name }) => name === feature?.id)?.class).not.toBe('exact')
})

test('what is out of service stays so, who is not known is said to be so, and nobody asks for an outbound placement', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at - 5)
  const event = eventOf('c', 'repayment.made', { amount: 500_000 }, { at, id: 'r1' })
  const hit = pack.model.triggers.find(({ on }) => on === 'repayment.made')?.id ?? ''
  const silent = run(task(copyOf(bank, 'c'), { kind: 'event', event }, { quarantined: [`trigger:${hit}`] }))
  expect(silent).toMatchObject({ kind: 'done', run: { decisions: [] } })
  const stranger = run(task(copyOf(bank, 'x', false), { kind: 'event', event: { ...event, customerId: 'x' } }))
  expect(stranger).toMatchObject({ kind: 'done', run: { customer: { known: false } } })
  expect(JSON.stringify(stranger)).toContain('Nothing is known of this customer')
  const outbound = pack.model.placements.find(({ direction }) => direction === 'outbound')?.id ?? ''
  const asked = run(task(copyOf(bank, 'c'), { kind: 'request', placement: outbound, count: 1, requestId: 'q' }))
  expect(asked).toMatchObject({ kind: 'placement_unknown', isOutbound: true })
})
