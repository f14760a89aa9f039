/**
 * What data may be used for against the class of what it would open, with and without consent to messages, and after it was taken back. The
 * tables are written from the rules as they are documented (engine/step/README.md, rules/README.md), not computed.
 */
import { describe, expect, test } from 'vitest'
import { putInForce } from '../../../engine/step/step-context.ts'
import { formOf } from '../../../rules/pack-form.ts'
import { purposes } from '../../../rules/source-table.ts'
import { type Bank, createBank, day0, dayMs } from './bank.ts'
import { bank as corner, loadBank } from './bank-pack.ts'

const classes = ['regulatory', 'service', 'marketing'] as const
const text = (en: string) => ({ en, zh: `中文：${en}` })

/** A source for each purpose alone, one for two, one for none. Consent comes from a source of its own. */
const uses: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(purposes.map((purpose) => [purpose, [purpose]])),
  service_marketing: ['service', 'marketing'],
  none: [],
}
const sources = [
  ...Object.entries(uses).map(([id, its]) => ({
    id,
    lawfulBasis: its.length === 0 ? 'none' : 'consent',
    purposes: its,
  })),
  { id: 'consents', lawfulBasis: 'contract', purposes: [...purposes] },
]

const common = { category: 'news', validFor: '24h', value: 5 }
const pack = await loadBank({
  sources,
  offers: [
    ...corner.offers,
    ...classes.flatMap((its) => [
      {
        ...{ ...common, id: `banner-${its}`, class: its, title: text(its), contentType: 'banner', channels: ['app'] },
        eligible: 'profile.assets >= money("500000.00")',
      },
      { ...common, id: `message-${its}`, class: its, title: text(its), contentType: 'message', channels: ['sms'] },
    ]),
  ],
  triggers: [
    ...corner.triggers,
    ...classes.map((its) => ({
      id: `thanks-${its}`,
      on: 'repayment.made',
      when: 'event.amount >= money("5000.00")',
      offers: [`message-${its}`],
      placement: `sms-${its}`,
    })),
  ],
  placements: [
    ...corner.placements.map((one) => (one.id === 'home-banner' ? { ...one, slots: 10 } : one)),
    ...classes.map((its) => ({ id: `sms-${its}`, channel: 'sms', direction: 'outbound', contentTypes: ['message'] })),
  ],
  caps: [],
})

const at = day0 + 10 * dayMs

/** What was done to the data, or to the source, when it is used. */
const withdrawals = {
  'nobody took it back': () => undefined,
  'the bank revoked the source': ({ context }: Bank, source: string) =>
    putInForce(context, formOf(context.pack, { quarantined: new Set(), revoked: new Set([source]) }), null),
  'the customer took the source back': (bank: Bank, dataSource: string) => takeBack(bank, { dataSource }),
  'the customer took the consent back': (bank: Bank) => takeBack(bank, { consentId: 'C-1' }),
} as const
type Withdrawal = keyof typeof withdrawals

function takeBack(bank: Bank, by: object): void {
  const data = { channel: 'all', purpose: 'data_use', granted: false, ...by }
  bank.send('c', 'consent.updated', data, { at: at + 1_000, source: 'consents' })
}

/** Whether the customer wants marketing by SMS. */
const consents = { yes: true, no: false, 'never said': null } as const
type Consent = keyof typeof consents

function begun(consent: Consent): Bank {
  const bank = createBank(pack)
  const granted = consents[consent]
  if (granted !== null) bank.send('c', 'consent.updated', { granted }, { at, source: 'consents' })
  return bank
}

/** The rows of a table: a source, and what comes of each class. */
function rowsOf(table: string): readonly (readonly [string, readonly string[]])[] {
  const rows = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  return rows.map(([source = '', ...cells]) => [source, cells] as const)
}

function expectTable(table: string, cellsOf: (source: string) => readonly string[]): void {
  const found = rowsOf(table).map(([source]) => [source, cellsOf(source)])
  expect(found.map(([source]) => source)).toEqual(Object.keys(uses))
  expect(found).toEqual(rowsOf(table))
}

/** What a customer's data opens when the app asks: service and regulatory messages read all lawful data, marketing what is for marketing. */
const answered: Readonly<Record<'used' | 'taken back', string>> = {
  used: `
    service            offered              offered              eligibility_unknown
    marketing          offered              offered              offered
    fraud_prevention   offered              offered              eligibility_unknown
    credit_risk        offered              offered              eligibility_unknown
    regulatory         offered              offered              eligibility_unknown
    service_marketing  offered              offered              offered
    none               eligibility_unknown  eligibility_unknown  eligibility_unknown`,
  'taken back': `
    service            eligibility_unknown  eligibility_unknown  eligibility_unknown
    marketing          eligibility_unknown  eligibility_unknown  eligibility_unknown
    fraud_prevention   eligibility_unknown  eligibility_unknown  eligibility_unknown
    credit_risk        eligibility_unknown  eligibility_unknown  eligibility_unknown
    regulatory         eligibility_unknown  eligibility_unknown  eligibility_unknown
    service_marketing  eligibility_unknown  eligibility_unknown  eligibility_unknown
    none               eligibility_unknown  eligibility_unknown  eligibility_unknown`,
}

/**
 * What an event proposes. Without consent no marketing goes out by SMS, whatever the purpose: guardrails speak first. An event of a source that may not
 * be used opens nothing at all.
 */
const proposed: Readonly<Record<'consent' | 'no consent' | 'taken back', string>> = {
  consent: `
    service            offered          offered          other_purpose
    marketing          offered          offered          offered
    fraud_prevention   offered          offered          other_purpose
    credit_risk        offered          offered          other_purpose
    regulatory         offered          offered          other_purpose
    service_marketing  offered          offered          offered
    none               unlawful_source  unlawful_source  unlawful_source`,
  'no consent': `
    service            offered          offered          no_consent
    marketing          offered          offered          no_consent
    fraud_prevention   offered          offered          no_consent
    credit_risk        offered          offered          no_consent
    regulatory         offered          offered          no_consent
    service_marketing  offered          offered          no_consent
    none               unlawful_source  unlawful_source  no_consent`,
  'taken back': `
    service            unlawful_source  unlawful_source  unlawful_source
    marketing          unlawful_source  unlawful_source  unlawful_source
    fraud_prevention   unlawful_source  unlawful_source  unlawful_source
    credit_risk        unlawful_source  unlawful_source  unlawful_source
    regulatory         unlawful_source  unlawful_source  unlawful_source
    service_marketing  unlawful_source  unlawful_source  unlawful_source
    none               unlawful_source  unlawful_source  unlawful_source`,
}

describe('an answer to the app', () => {
  const cases = keysOf(withdrawals).flatMap((withdrawal) =>
    keysOf(consents).map((consent) => [withdrawal, consent] as const),
  )
  test.each(cases)('%s, consent to SMS: %s', (withdrawal, consent) => {
    const table = withdrawal === 'nobody took it back' ? answered.used : answered['taken back']
    expectTable(table, (source) => {
      const bank = begun(consent)
      const known = { totalAssets: 60_000_000, currency: 'CNY' }
      bank.send('c', 'profile.updated', known, { at, source, consentId: 'C-1' })
      withdrawals[withdrawal](bank, source)
      const { decision } = bank.ask('c', 'home-banner', { at: at + 2_000, count: 10 })
      return classes.map((its) => decision.fates.find(({ offer }) => offer === `banner-${its}`)?.reason ?? 'nothing')
    })
  })
})

describe('a message that an event proposes', () => {
  const cases: readonly (readonly [Withdrawal, Consent, keyof typeof proposed])[] = [
    ['nobody took it back', 'yes', 'consent'],
    ['nobody took it back', 'no', 'no consent'],
    ['nobody took it back', 'never said', 'no consent'],
    ['the bank revoked the source', 'yes', 'taken back'],
    ['the customer took the source back', 'yes', 'taken back'],
    ['the customer took the consent back', 'yes', 'taken back'],
  ]
  test.each(cases)('%s, consent to SMS: %s', (withdrawal, consent, table) => {
    expectTable(proposed[table], (source) => {
      const bank = begun(consent)
      withdrawals[withdrawal](bank, source)
      const sent = { at: at + 2_000, source, consentId: 'C-1' }
      const { decisions } = bank.send('c', 'repayment.made', { amount: 600_000 }, sent)
      const fates = decisions.flatMap((decision) => decision.fates)
      return classes.map((its) => fates.find(({ offer }) => offer === `message-${its}`)?.reason ?? 'nothing')
    })
  })
})

function keysOf<Key extends string>(record: Readonly<Record<Key, unknown>>): readonly Key[] {
  const keys: Key[] = []
  for (const key in record) keys.push(key)
  return keys
}
