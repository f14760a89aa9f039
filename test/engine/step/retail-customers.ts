/**
 * Random customers of the pack that ships, and an oracle that knows them: it says from the facts of a life, in plain words, what
 * may not be offered. It reads nothing of the pack but which category and class an offer is of.
 */
import fc from 'fast-check'
import { loadPack } from '../../../rules/load-pack.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { type Bank, day0, dayMs } from './bank.ts'

const result = await loadPack('rules/packs/retail-bank')
if (result.kind !== 'ok') throw new Error('the pack that ships loads')
/** Without the time between contacts, which is asked once more when offers are chosen and would hide what guardrails let through. */
export const retailBank: LoadedPack = { ...result.pack, model: { ...result.pack.model, gaps: [], pauses: [] } }
/** When the customers are looked at. */
export const at = day0 + 200 * dayMs

/** The same, where the customers are looked at in the middle of quiet hours, which hold what comes by push. */
export const quietBank: LoadedPack = {
  ...retailBank,
  model: {
    ...retailBank.model,
    quietHours: [
      {
        ...{ id: 'morning', from: 7 * 60, to: 9 * 60, instead: { kind: 'hold' } },
        applies: { categories: 'all', exceptCategories: [], channels: ['push'], classes: 'all', offers: 'all' },
        text: { en: 'The morning', zh: '早晨' },
        place: { file: 'contact.yaml', line: 1 },
      },
    ],
  },
}

/** What happened to a customer of the retail bank, from which everything forbidden follows. */
export type Facts = {
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

export const facts: fc.Arbitrary<Facts> = fc.record({
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
export function forbiddenBecause(who: Facts, offer: string, channel: string): string | null {
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
  if (who.objects.includes('marketing')) return 'objects'
  // What is the same for everybody rests on no profile.
  if (who.objects.includes('profiling') && category !== 'open_to_all') return 'objects'
  return ['sms', 'push', 'email', 'phone'].includes(channel) && !who.consents.includes(channel) ? 'no consent' : null
}

/** Tells the bank the facts, makes as much eligible as can be, and sets off what has a trigger. All decisions. */
export function live(bank: Bank, who: Facts, c = 'customer'): readonly Decision[] {
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

/** An offer that left and must not have. */
export type Leak = { readonly decision: string; readonly offer: string; readonly channel: string; readonly why: string }

/** What leaks to a customer who lives in this bank. */
export function leaksOf(decisions: readonly Decision[], who: Facts): readonly Leak[] {
  return decisions.flatMap(({ id, channel, offers }) =>
    offers.flatMap(({ offer }) => {
      const why = forbiddenBecause(who, offer, channel)
      return why === null ? [] : [{ decision: id, offer, channel, why }]
    }),
  )
}
