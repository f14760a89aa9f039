/**
 * The final gate alone must hold, whatever is broken before it: every stage is taken away in turn, every pair, and all, for
 * random customers of the pack that ships and of random packs. What is forbidden is told by an oracle that knows the
 * customers' facts and the bank's rules in plain words, or, for random packs, asks every rule of the pack anew. With the gate
 * taken away as well something has to leak, or the test sees nothing.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CompiledPack } from '../../../../rules/compiled.ts'
import { loadPack } from '../../../../rules/load-pack.ts'
import type { LoadedPack } from '../../../../rules/model.ts'
import { inScope } from '../../../../rules/scope.ts'
import type { Decision } from '../../../../sinks/decision.ts'
import { packsOver } from '../../proof/arbitrary-rules.ts'
import { type Bank, createBank, day0, dayMs, settle } from '../bank.ts'
import { loadBank } from '../bank-pack.ts'
import { removals, without } from './stage-variants.ts'

const result = await loadPack('rules/packs/retail-bank')
if (result.kind !== 'ok') throw new Error('the pack that ships loads')
// Without the time between contacts, which is asked once more when offers are chosen and would hide what guardrails let through.
const { model } = result.pack
const retailBank: LoadedPack = { ...result.pack, model: { ...model, gaps: [], pauses: [] } }
const cornerBank = await loadBank()
const at = day0 + 200 * dayMs

/** What happened to a customer of the retail bank, from which everything forbidden follows. */
type Facts = {
  readonly employment: 'employed' | 'unemployed' | 'student' | 'unknown'
  readonly student: boolean | null
  readonly bornYear: number | null
  readonly riskGrade: 'conservative' | 'balanced' | 'aggressive' | 'unknown'
  readonly penalties: number
  readonly consents: readonly string[]
  /** Days since it was reported; negative: it has been over for a moment. null: never. */
  readonly trouble: Readonly<Record<(typeof troubles)[number], number | null>>
  readonly complaint: 'none' | 'complaint' | 'dispute' | 'fraud_report'
  readonly objects: readonly ('marketing' | 'profiling' | 'partner_sharing')[]
}

const troubles = ['unemployment', 'bereavement', 'illness', 'divorce', 'hardship'] as const
const daysAgo = fc.constantFrom(-1, 1, 20, 45, 100, 170, 190)
const calm = fc.constant(null)
/** Mostly one trouble at a time, or everything would be closed for everybody. */
const trouble = fc.constantFrom(...troubles, 'none' as const).chain((one) =>
  fc.record({
    unemployment: one === 'unemployment' ? daysAgo : calm,
    bereavement: one === 'bereavement' ? daysAgo : calm,
    illness: one === 'illness' ? daysAgo : calm,
    divorce: one === 'divorce' ? daysAgo : calm,
    hardship: one === 'hardship' ? daysAgo : calm,
  }),
)
const often = <T>(value: T, ...others: readonly T[]) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(value) }, ...others.map((one) => fc.constant(one)))

const facts: fc.Arbitrary<Facts> = fc.record({
  employment: often<Facts['employment']>('employed', 'unemployed', 'student', 'unknown'),
  student: often<boolean | null>(false, true, null),
  bornYear: often<number | null>(1987, 2012, 1900, null),
  riskGrade: fc.constantFrom('conservative', 'balanced', 'aggressive', 'unknown'),
  penalties: often(0, 1),
  consents: fc.oneof(fc.constant(['sms', 'push', 'email', 'phone']), fc.subarray(['sms', 'push', 'email', 'phone'])),
  trouble,
  complaint: often<Facts['complaint']>('none', 'complaint', 'dispute', 'fraud_report'),
  objects: fc.oneof(
    { weight: 4, arbitrary: fc.constant<Facts['objects']>([]) },
    fc.subarray<Facts['objects'][number]>(['marketing', 'profiling', 'partner_sharing']),
  ),
})

const credit = new Set(['consumer_loan', 'beauty_loan', 'gaming_loan', 'travel_loan'])
const bundle = new Set([...credit, 'family'])

/** Why an offer may not go to the customer on a channel; null: it may. In the words of a compliance officer, not of the pack. */
function forbiddenBecause(who: Facts, offer: string, channel: string): string | null {
  const model = retailBank.model.offers.find(({ id }) => id === offer)
  if (model === undefined) return 'no such offer'
  const { category } = model
  const marketing = model.class === 'marketing'
  const within = (kind: (typeof troubles)[number], days: number) => {
    const ago = who.trouble[kind]
    return ago !== null && ago >= 0 && ago < days
  }
  const grades = { conservative: 1, balanced: 3, aggressive: 5, unknown: 1 }
  const age = who.bornYear === null ? null : 2026 - who.bornYear
  if (model.riskGrade !== null && model.riskGrade > grades[who.riskGrade]) return 'too risky'
  if (bundle.has(category)) {
    if (who.employment === 'unemployed' || who.employment === 'unknown' || within('unemployment', 180)) return 'no work'
    if (within('illness', 180)) return 'ill'
    if (within('divorce', 180)) return 'divorced'
  }
  if (credit.has(category)) {
    if (who.student !== false || who.employment === 'student' || who.employment === 'unknown') return 'a student'
    if (who.penalties > 0) return 'overdrawn'
  }
  if (['travel_loan', 'beauty_loan', 'gaming_loan'].includes(category) && within('bereavement', 90)) return 'mourning'
  if ((bundle.has(category) || category === 'wealth') && (age === null || age < 18 || age > 110)) return 'a minor'
  if ((bundle.has(category) || category === 'wealth' || category === 'foreign_exchange') && within('hardship', 365))
    return 'in trouble'
  if (category === 'family' && who.objects.includes('partner_sharing')) return 'no sharing'
  if (!marketing) return null
  if (within('bereavement', 30)) return 'mourning'
  if (who.complaint === 'complaint' || who.complaint === 'fraud_report') return 'a complaint'
  const rich = category === 'savings' && ['in_app', 'adviser'].includes(channel)
  if (who.complaint === 'dispute' && !rich) return 'a dispute'
  if (who.objects.includes('marketing') || who.objects.includes('profiling')) return 'objects'
  return ['sms', 'push', 'email', 'phone'].includes(channel) && !who.consents.includes(channel) ? 'no consent' : null
}

const c = 'customer'

/** Tells the bank the facts, makes as much eligible as can be, and sets off what has a trigger. All decisions. */
function live(bank: Bank, who: Facts): readonly Decision[] {
  const decisions: Decision[] = []
  const send = (type: string, data: Parameters<Bank['send']>[2], when: number, source = 'crm') => {
    decisions.push(...bank.send(c, type, data, { at: when, source }).decisions)
  }
  const birthDate = who.bornYear === null ? null : Date.UTC(who.bornYear, 0, 1)
  const profile = { employmentStatus: who.employment, studentStatus: who.student, riskGrade: who.riskGrade, birthDate }
  send('profile.updated', { ...profile, totalAssets: 150_000_000, currency: 'CNY' }, at - 3 * dayMs)
  for (const channel of who.consents) send('consent.updated', { channel }, at - 3 * dayMs)
  for (const kind of troubles) {
    const ago = who.trouble[kind]
    if (ago === null) continue
    // A day of bereavement has no end but that of its time.
    if (ago < 0 && kind === 'bereavement') continue
    send('life_event.reported', { kind }, at - Math.abs(ago) * dayMs)
    if (ago < 0) send('life_event.reported', { kind, resolved: true }, at - 1_000)
  }
  if (who.complaint !== 'none') send('complaint.updated', { kind: who.complaint }, at - 2 * dayMs)
  for (const purpose of who.objects)
    send('consent.updated', { channel: 'all', purpose, granted: false }, at - 2 * dayMs)
  const transfer = { amount: 1_000_000, currency: 'CNY', direction: 'in', kind: 'salary', counterpartyBank: null }
  for (const days of [3, 2]) send('transfer.made', transfer, at - days * 3_600_000, 'core-banking')
  for (let i = 0; i < who.penalties; i++)
    send('transfer.made', { ...transfer, direction: 'out', kind: 'penalty_interest' }, at - 1_800_000)
  for (const pageGroup of ['loans', 'fx', 'wealth', 'study_abroad']) {
    for (const minute of [3, 2, 1]) send('page.viewed', { pageGroup, dwellMs: 60_000 }, at - minute * 60_000)
  }
  for (const merchantCategory of ['beauty', 'gaming', 'travel']) {
    for (const second of [30, 20, 10]) send('card.purchase', { merchantCategory, amount: 600_000 }, at - second * 1_000)
  }
  send('transfer.made', { ...transfer, kind: 'rent', amount: 9_000_000 }, at - 100)
  send('life_event.reported', { kind: 'marriage' }, at - 50)
  for (const placement of ['app_home_banner', 'app_offers', 'adviser_desk']) {
    for (const count of [1, 3]) decisions.push(bank.ask(c, placement, { at: at + count, count }).decision)
  }
  return decisions.filter(({ now }) => now >= at - 3_600_000)
}

function leaksOf(bank: Bank, who: Facts): readonly string[] {
  return live(bank, who).flatMap(({ channel, offers }) =>
    offers.flatMap(({ offer }) => {
      const why = forbiddenBecause(who, offer, channel)
      return why === null ? [] : [`${offer} on ${channel}: ${why}`]
    }),
  )
}

const named = removals.map((stages) => [stages.length === 0 ? 'no stage' : stages.join(' and '), stages] as const)

describe('the pack that ships', () => {
  test.each(named)('with %s taken away nothing forbidden leaves', (_, stages) => {
    fc.assert(
      fc.property(facts, (who) => {
        expect(leaksOf(createBank(retailBank, without(stages)), who)).toEqual([])
      }),
      { numRuns: 40 },
    )
  })

  test('with the gate taken away as well something leaks, for every reason there is', () => {
    const reasons = new Set<string>()
    for (const who of fc.sample(facts, { numRuns: 500, seed: 7 })) {
      for (const leak of leaksOf(
        createBank(retailBank, without(['eligibility', 'suitability', 'guardrail', 'contact']), { gate: 'none' }),
        who,
      ))
        reasons.add(leak.split(': ')[1] ?? '')
    }
    expect([...reasons].sort()).toEqual(
      [
        ...[
          'a complaint',
          'a dispute',
          'a minor',
          'a student',
          'divorced',
          'ill',
          'in trouble',
          'mourning',
          'no consent',
        ],
        ...['no sharing', 'no work', 'objects', 'overdrawn', 'too risky'],
      ].sort(),
    )
  })

  test.each(['guardrail', 'suitability'] as const)('without the gate the stage %s is what stops', (stage) => {
    const leaky = fc.sample(facts, { numRuns: 100, seed: 8 }).filter((who) => {
      return leaksOf(createBank(retailBank, without([stage]), { gate: 'none' }), who).length > 0
    })
    expect(leaky.length).toBeGreaterThan(10)
    for (const who of leaky) expect(leaksOf(createBank(retailBank, without([]), { gate: 'none' }), who)).toEqual([])
  })

  test('a stage that is there leaves the gate nothing to do', () => {
    for (const who of fc.sample(facts, { numRuns: 60, seed: 9 })) {
      const fates = live(createBank(retailBank), who).flatMap((decision) => decision.fates)
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
