/**
 * The final gate alone must hold, whatever is broken before it: every stage is taken away in turn, every pair, and all, for
 * random customers of the pack that ships and of random packs. What is forbidden is told by an oracle that knows the
 * customers' facts and the bank's rules in plain words, or, for random packs, asks every rule of the pack anew. With the gate
 * taken away as well something has to leak, or the test sees nothing.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CompiledPack } from '../../../../rules/compiled.ts'
import type { LoadedPack } from '../../../../rules/model.ts'
import { inScope } from '../../../../rules/scope.ts'
import type { Decision } from '../../../../sinks/decision.ts'
import { packsOver } from '../../proof/arbitrary-rules.ts'
import { type Bank, type BankOptions, createBank, dayMs, settle } from '../bank.ts'
import { loadBank } from '../bank-pack.ts'
import { at, type Facts, facts, leaksOf, live, retailBank } from '../retail-customers.ts'
import { removals, type StageName, without } from './stage-variants.ts'

const cornerBank = await loadBank()
const c = 'customer'

const named = removals.map((stages) => [stages.length === 0 ? 'no stage' : stages.join(' and '), stages] as const)

/** A bank with a new customer for each life; to compile it once for all of them is what the time goes into. */
function town(stages: readonly StageName[], options: BankOptions = {}): (who: Facts) => readonly Decision[] {
  const bank = createBank(retailBank, without(stages), options)
  let customers = 0
  return (who) => live(bank, who, `customer-${++customers}`)
}

describe('the pack that ships', () => {
  test.each(named)('with %s taken away nothing forbidden leaves', (_, stages) => {
    const lives = town(stages)
    fc.assert(
      fc.property(facts, (who) => {
        expect(leaksOf(lives(who), who)).toEqual([])
      }),
      { numRuns: 60 },
    )
  })

  test('with the gate taken away as well something leaks, for every reason there is', () => {
    const lives = town(['eligibility', 'suitability', 'guardrail', 'contact'], { gate: 'none' })
    const some = fc.sample(facts, { numRuns: 600, seed: 7 })
    const reasons = new Set(some.flatMap((who) => leaksOf(lives(who), who).map(({ why }) => why)))
    const troubles = ['a complaint', 'a dispute', 'divorced', 'ill', 'in trouble', 'mourning', 'no work', 'overdrawn']
    const others = ['a minor', 'a student', 'no consent', 'no sharing', 'objects', 'too risky']
    expect([...reasons].sort()).toEqual([...troubles, ...others].sort())
  })

  test.each(['guardrail', 'suitability'] as const)('without the gate the stage %s is what stops', (stage) => {
    const open = town([stage], { gate: 'none' })
    const stopping = town([], { gate: 'none' })
    const some = fc.sample(facts, { numRuns: 300, seed: 8 })
    const leaky = some.filter((who) => leaksOf(open(who), who).length > 0)
    expect(leaky.length).toBeGreaterThan(10)
    for (const who of leaky) expect(leaksOf(stopping(who), who)).toEqual([])
  })

  test('a stage that is there leaves the gate nothing to do', () => {
    const lives = town([])
    for (const who of fc.sample(facts, { numRuns: 100, seed: 9 })) {
      const fates = lives(who).flatMap((decision) => decision.fates)
      expect(fates.filter(({ stage }) => stage === 'final_gate')).toEqual([])
    }
  })
})

/** What is sent to a customer of a random pack. */
const sent = fc.array(
  fc.constantFrom<readonly [string, Parameters<Bank['send']>[2]]>(
    ['profile.updated', { studentStatus: true }],
    ['profile.updated', { cleared: ['studentStatus'] }],
    ['profile.updated', { employmentStatus: 'student' }],
    ['profile.updated', { riskGrade: 'conservative' }],
    ['profile.updated', { totalAssets: 300, currency: 'CNY' }],
    ['card.purchase', { merchantCategory: 'maternity' }],
    ['consent.updated', { granted: false }],
    ['life_event.reported', { kind: 'unemployment' }],
    ['life_event.reported', { kind: 'bereavement' }],
    ['life_event.reported', { kind: 'illness' }],
    ['life_event.reported', { kind: 'illness', resolved: true }],
    ['guardrail.overridden', { guardrail: 'rule-0', role: 'compliance', until: at + 5 * dayMs }],
    ['guardrail.overridden', { guardrail: 'rule-1', role: 'adviser', until: at + 5 * dayMs }],
    ['guardrail.overridden', { guardrail: 'rule-1', role: 'compliance', until: at + 5 * dayMs, revoked: true }],
  ),
  { maxLength: 8 },
)

/** Every rule of the pack asked anew about what the state holds. */
function isForbidden(pack: CompiledPack, bank: Bank, offer: string, channel: string, now: number): boolean {
  const model = pack.loaded.model.offers.find(({ id }) => id === offer)
  if (model === undefined) return true
  const slot = bank.slot(c)
  const lo = new Float64Array(pack.layout.variables)
  const hi = new Float64Array(pack.layout.variables)
  const all = [...pack.layout.attributes, ...pack.layout.features].map(({ variable }) => variable)
  bank.states.evaluate(slot, now, now, all, lo, hi)
  lo[pack.lawfulVariable] = 1
  hi[pack.lawfulVariable] = 1
  const holds = (scope: Parameters<typeof inScope>[0]) => inScope(scope, model.category, model.class, channel)
  const allowed = pack.allows.some(
    ({ opens, condition }) => holds(opens) && (condition === null || condition.must(lo, hi, null)),
  )
  if (model.riskGrade !== null && model.riskGrade > pack.gradeAllowed(lo, hi)) return true
  return pack.guardrails.some(({ closes, condition, key, override }) => {
    const isHeld = condition?.may(lo, hi, null) === true || bank.states.suppressedUntil(slot, key) > now
    if (!holds(closes) || !isHeld) return false
    return override === null || !(allowed || bank.states.suppressedUntil(slot, override.key) > now)
  })
}

function randomLeaks(
  pack: LoadedPack,
  events: typeof sent extends fc.Arbitrary<infer T> ? T : never,
  bank: Bank,
): number {
  settle(bank, c, at - dayMs)
  let leaks = 0
  const look = ({ offers, channel, now }: Decision) => {
    for (const { offer } of offers) if (isForbidden(bank.context.pack, bank, offer, channel, now)) leaks++
  }
  for (const [i, [type, data]] of events.entries()) {
    for (const decision of bank.send(c, type, data, { at: at + i * 1_000 }).decisions) look(decision)
    for (const placement of pack.model.placements) {
      if (placement.direction === 'inbound')
        look(bank.ask(c, placement.id, { at: at + i * 1_000 + 1, count: placement.slots }).decision)
    }
  }
  return leaks
}

describe('random packs', () => {
  const packs = packsOver(cornerBank, { guardrails: 5, allows: 2 })

  test.each(named)('with %s taken away nothing forbidden leaves', (_, stages) => {
    fc.assert(
      fc.property(packs, sent, (pack, events) => {
        expect(randomLeaks(pack, events, createBank(pack, without(stages)))).toBe(0)
      }),
      { numRuns: 25 },
    )
  })

  test('with the gate taken away as well something leaks', () => {
    let leaks = 0
    const some = fc.sample(fc.tuple(packs, sent), { numRuns: 60, seed: 3 })
    for (const [pack, events] of some)
      leaks += randomLeaks(pack, events, createBank(pack, without(['guardrail', 'suitability']), { gate: 'none' }))
    expect(leaks).toBeGreaterThan(20)
  })
})
