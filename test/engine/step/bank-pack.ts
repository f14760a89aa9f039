/**
 * A small pack for tests of the step, as data: every kind of rule once, so that a test can change the one piece it is
 * about. Amounts in CNY; the bank stands in UTC so that days are easy to count.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { loadPack } from '../../../rules/load-pack.ts'
import type { LoadedPack } from '../../../rules/model.ts'

const text = (en: string) => ({ en, zh: `中文：${en}` })
const everything = { categories: 'all', channels: 'all', classes: 'all' }

const pack = {
  name: 'corner-bank',
  description: 'A bank small enough to see through.',
  zone: 'UTC',
  currency: 'CNY',
  lateness: '24h',
  categories: [
    { id: 'consumer_credit', guardedBy: ['unemployment', 'student'] },
    { id: 'beauty_credit', guardedBy: ['unemployment', 'student'] },
    { id: 'gaming_credit', guardedBy: ['unemployment', 'student'] },
    { id: 'travel_credit', guardedBy: ['bereavement', 'student'] },
    { id: 'study_credit', guardedBy: [] },
    { id: 'family', guardedBy: [] },
    { id: 'investment', guardedBy: [] },
    { id: 'help', guardedBy: [] },
    { id: 'loyalty', guardedBy: [] },
    { id: 'news', guardedBy: [] },
  ],
}

const sources = [
  { id: 'core-banking', lawfulBasis: 'contract', purposes: ['service', 'marketing'] },
  { id: 'app', lawfulBasis: 'consent', purposes: ['service', 'marketing'] },
  { id: 'crawler', lawfulBasis: 'none', purposes: [] },
]

const profile = (id: string, type: string, field: string, values: readonly string[] = []) => ({
  id,
  type,
  values,
  setBy: [{ event: 'profile.updated', field }],
})

const attributes = [
  profile('employment', 'enum', 'employmentStatus', [
    ...['employed', 'self_employed', 'unemployed', 'retired', 'student'],
  ]),
  profile('student', 'bool', 'studentStatus'),
  profile('riskGrade', 'enum', 'riskGrade', ['conservative', 'steady', 'balanced', 'aggressive']),
  profile('assets', 'money', 'totalAssets'),
  {
    id: 'smsConsent',
    type: 'bool',
    setBy: [
      {
        event: 'consent.updated',
        where: 'event.channel == "sms" && event.purpose == "marketing"',
        field: 'granted',
      },
    ],
  },
]

const maternity = { event: 'card.purchase', where: 'event.merchantCategory == "maternity"' }
const features = [
  { id: 'maternity_30d', kind: 'count', ...maternity, window: '30d' },
  { id: 'maternity_growth', kind: 'growth', ...maternity, window: '30d', baseline: { windows: 3, minimum: 1 } },
  {
    id: 'early_education_30d',
    kind: 'count',
    event: 'search.made',
    where: 'event.category == "early_education"',
    window: '30d',
  },
  { id: 'spend_7d', kind: 'sum', event: 'card.purchase', value: 'amount', window: '7d' },
]

const lifeEvent = (kind: string, resolved: boolean) => ({
  event: 'life_event.reported',
  where: `event.kind == "${kind}" && ${resolved ? '' : '!'}event.resolved`,
})

const guardrails = [
  {
    id: 'no-credit-without-income',
    reason: 'unemployment',
    text: text('No consumer credit for somebody who lost their job.'),
    closes: { categories: ['consumer_credit', 'beauty_credit', 'gaming_credit'] },
    suppression: { ...lifeEvent('unemployment', false), for: '180d', liftedBy: lifeEvent('unemployment', true) },
  },
  {
    id: 'no-leisure-credit-in-mourning',
    reason: 'bereavement',
    text: text('No celebration or leisure credit after a death in the family.'),
    closes: { categories: ['travel_credit'] },
    suppression: { ...lifeEvent('bereavement', false), for: '90d' },
  },
  {
    id: 'quiet-in-mourning',
    reason: 'bereavement',
    text: text('No marketing at all for a month after a death in the family.'),
    closes: { categories: 'all', classes: ['marketing'] },
    suppression: { ...lifeEvent('bereavement', false), for: '30d' },
  },
  {
    id: 'no-lifestyle-credit-for-students',
    reason: 'student',
    text: text('No lifestyle credit for students.'),
    closes: { categories: ['consumer_credit', 'beauty_credit', 'gaming_credit', 'travel_credit'] },
    when: 'profile.student || profile.employment == "student"',
  },
  {
    id: 'sms-needs-consent',
    reason: 'no_consent',
    text: text('Marketing by SMS only with consent.'),
    closes: { categories: 'all', channels: ['sms'], classes: ['marketing'] },
    when: '!profile.smsConsent',
  },
  {
    id: 'lawful-data-only',
    reason: 'unlawful_source',
    text: text('Nothing that rests on data the bank may not use.'),
    closes: everything,
    when: '!source.lawful',
  },
]

const offer = (id: string, category: string, more: object = {}) => ({
  id,
  title: text(`The ${id}`),
  category,
  class: 'marketing',
  contentType: 'banner',
  channels: ['app'],
  validFor: '24h',
  ...more,
})
const message = (id: string, category: string, more: object = {}) =>
  offer(id, category, { contentType: 'message', channels: ['sms'], ...more })

const offers = [
  offer('consumer-loan', 'consumer_credit', { value: 8 }),
  offer('beauty-loan', 'beauty_credit', { value: 9 }),
  offer('gaming-loan', 'gaming_credit', { value: 7 }),
  offer('honeymoon-instalment', 'travel_credit', { value: 6 }),
  offer('study-loan', 'study_credit', { value: 2 }),
  offer('wealth-r2', 'investment', {
    riskGrade: 2,
    value: 5,
    eligible: 'profile.assets >= money("500000.00") && profile.assets < money("1000000.00")',
  }),
  offer('wealth-r3', 'investment', { riskGrade: 3, value: 5, eligible: 'profile.assets >= money("1000000.00")' }),
  offer('wealth-r5', 'investment', { riskGrade: 5, value: 50, eligible: 'profile.assets >= money("1000000.00")' }),
  offer('welcome-banner', 'news', { class: 'service' }),
  offer('inbox-tip', 'news', { contentType: 'card', channels: ['inbox'], value: 2 }),
  offer('inbox-loan', 'consumer_credit', { contentType: 'card', channels: ['inbox'], value: 9 }),
  offer('inbox-hello', 'news', { class: 'service', contentType: 'card', channels: ['inbox'] }),
  message('family-bundle', 'family', {
    value: 3,
    parts: [
      { id: 'education-savings', title: text('Education savings') },
      { id: 'maternity-instalment', title: text('Maternity instalment') },
    ],
  }),
  message('repayment-thanks', 'loyalty', { value: 2 }),
  message('hardship-help', 'help', { class: 'service' }),
  message('sms-loan', 'consumer_credit', { value: 9 }),
]

const triggers = [
  {
    id: 'mother-and-baby',
    on: 'card.purchase',
    when: 'event.merchantCategory == "maternity" && maternity_growth >= 2.0 && early_education_30d >= 1',
    offers: ['family-bundle'],
    placement: 'sms-out',
  },
  {
    id: 'mother-and-baby-search',
    on: 'search.made',
    when: 'event.category == "early_education" && maternity_growth >= 2.0',
    offers: ['family-bundle'],
    placement: 'sms-out',
  },
  {
    id: 'large-repayment',
    on: 'repayment.made',
    when: 'event.amount >= money("5000.00")',
    offers: ['repayment-thanks'],
    placement: 'sms-out',
  },
  {
    id: 'lost-job',
    on: 'life_event.reported',
    when: 'event.kind == "unemployment" && !event.resolved',
    offers: ['hardship-help', 'sms-loan'],
    placement: 'sms-out',
  },
]

const channels = [
  { id: 'app', contact: false },
  { id: 'inbox', contact: true },
  { id: 'sms', contact: true },
]

const placements = [
  {
    id: 'home-banner',
    channel: 'app',
    direction: 'inbound',
    slots: 3,
    contentTypes: ['banner'],
    fallback: 'welcome-banner',
  },
  { id: 'inbox', channel: 'inbox', direction: 'inbound', contentTypes: ['card'], fallback: 'inbox-hello' },
  { id: 'sms-out', channel: 'sms', direction: 'outbound', contentTypes: ['message'] },
]

const caps = [
  {
    id: 'sms-3-in-7d',
    limit: 3,
    per: '7d',
    applies: { categories: 'all', channels: ['sms'] },
    text: text('At most three SMS in seven days'),
  },
  {
    id: 'inbox-3-in-7d',
    limit: 3,
    per: '7d',
    applies: { categories: 'all', channels: ['inbox'] },
    text: text('At most three inbox cards in seven days'),
  },
]

const contact = {}

const suitability = {
  attribute: 'riskGrade',
  allows: { conservative: 1, steady: 2, balanced: 3, aggressive: 5 },
  whenUnknown: 1,
}
const arbitration = { classes: ['regulatory', 'service', 'marketing'], nothing: 0.5 }

/** The pieces a test may replace. */
export const bank = {
  pack,
  sources,
  attributes,
  features,
  guardrails,
  allows: [],
  offers,
  resources: [],
  triggers,
  channels,
  placements,
  caps,
  /** Gaps, pauses, quiet hours, zones. */
  contact,
  suitability,
  arbitration,
  holdouts: [],
  models: [],
  fatigue: [],
}

/** The bank's channels, of which the SMS gateway reports what it sends: messages wait to be sent, and can be taken back. */
export const reportedChannels = channels.map((channel) => ({ ...channel, receipts: channel.id === 'sms' }))

export type BankPieces = { readonly [piece in keyof typeof bank]?: unknown }

/** Writes the pack's files, with pieces replaced, into a folder. */
export async function writeBank(dir: string, changes: BankPieces = {}): Promise<void> {
  const pieces = { ...bank, ...changes }
  const files = {
    'pack.yaml': pieces.pack,
    'sources.yaml': { sources: pieces.sources },
    'profile.yaml': { attributes: pieces.attributes },
    'features.yaml': { features: pieces.features },
    'guardrails.yaml': { guardrails: pieces.guardrails, allows: pieces.allows },
    'offers.yaml': { offers: pieces.offers, resources: pieces.resources },
    'triggers.yaml': { triggers: pieces.triggers },
    'placements.yaml': { channels: pieces.channels, placements: pieces.placements },
    'contact.yaml': { caps: pieces.caps, ...Object(pieces.contact) },
    'arbitration.yaml': {
      suitability: pieces.suitability,
      arbitration: pieces.arbitration,
      holdouts: pieces.holdouts,
      models: pieces.models,
      fatigue: pieces.fatigue,
    },
  }
  for (const [name, content] of Object.entries(files))
    await writeFile(join(dir, name), stringify(content, { aliasDuplicateObjects: false }))
}

/** Loads the pack, with pieces replaced, through the real loader. Throws with the problems when it is refused. */
export async function loadBank(changes: BankPieces = {}): Promise<LoadedPack> {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-pack-'))
  try {
    await writeBank(dir, changes)
    const result = await loadPack(dir)
    if (result.kind === 'ok') return result.pack
    throw new Error(result.problems.map((problem) => `${problem.file}:${problem.line} ${problem.message}`).join('\n'))
  } finally {
    await rm(dir, { recursive: true })
  }
}
