/** What the customers without a story do: one fact at a time, by mood of the minute and persona. */
import type { FieldValue } from '../../ingest/event.ts'
import type { Mood } from './day-curve.ts'
import { type Fact, profileData, type Source } from './moment.ts'
import type { Persona } from './persona.ts'
import { cumulate, type Random } from './random.ts'

/** What a customer does, without its id and customer. */
export type Deed = Pick<Fact, 'source' | 'type' | 'data'>

type Maker = (persona: Persona, mood: Mood, random: Random) => Deed

const makers: readonly [Maker, ...Maker[]] = [
  page,
  purchase,
  search,
  transfer,
  repayment,
  trade,
  nps,
  consent,
  life,
  account,
]
/** Weights of the makers, by mood. */
const moods: Readonly<Record<Mood, Float64Array>> = {
  night: cumulate([60, 20, 8, 6, 1, 0.2, 0.2, 0.3, 0, 0]),
  day: cumulate([46, 28, 8, 9, 3, 1.5, 1, 0.6, 0.25, 0.7]),
  salary: cumulate([10, 6, 1, 80, 2, 0.3, 0.2, 0.1, 0.05, 0.1]),
  flash: cumulate([34, 60, 4, 1, 0.3, 0.1, 0.1, 0.1, 0.02, 0.1]),
  evening: cumulate([66, 17, 11, 3, 1.5, 1, 0.5, 0.4, 0.1, 0.2]),
}

/** Draws what a customer does in a minute of some mood. */
export function deedOf(persona: Persona, mood: Mood, random: Random): Deed {
  const maker = makers[random.weighted(moods[mood])] ?? page
  return maker(persona, mood, random)
}

/** What the bank knows about a customer when the day begins: the profile, and each consent given. */
export function knownDeeds(persona: Persona): readonly Deed[] {
  const profile = profileData({
    employmentStatus: persona.employment,
    studentStatus: persona.employment === 'student',
    riskGrade: persona.riskGrade,
    birthDate: persona.birthDate,
    totalAssets: persona.assetsFen,
    hasChildren: persona.hasChildren,
  })
  return [
    deed('crm', 'profile.updated', profile),
    ...persona.consents.map((channel) =>
      deed('crm', 'consent.updated', { channel, granted: true, purpose: 'marketing' }),
    ),
  ]
}

function deed(source: Source, type: string, data: Readonly<Record<string, FieldValue>>): Deed {
  return { source, type, data }
}

const pages = ['home', 'wealth', 'cards', 'loans', 'fx', 'insurance', 'gold', 'study_abroad', 'other'] as const
const pageWeights = cumulate([44, 14, 14, 8, 5, 4, 3, 2, 6])

function page(_persona: Persona, _mood: Mood, random: Random): Deed {
  const group = pages[random.weighted(pageWeights)] ?? 'home'
  const dwellMs = 2000 + Math.floor(120_000 * random.next() ** 3)
  return deed('mobile-app', 'page.viewed', { page: `${group}/start`, pageGroup: group, dwellMs })
}

const categories = [
  'grocery',
  'restaurant',
  'transport',
  'fashion',
  'electronics',
  'health',
  'utilities',
  'home',
] as const

function purchase(persona: Persona, mood: Mood, random: Random): Deed {
  const sale = mood === 'flash'
  const category = sale
    ? random.pick(['fashion', 'electronics', 'beauty', 'gaming'])
    : random.chance(0.45)
      ? persona.taste
      : random.pick(categories)
  const amount = 500 + Math.floor((category === 'travel' ? 900_000 : 60_000) * random.next() ** 2)
  const merchantId = random.chance(0.8) ? `m-${category}-${random.below(40)}` : null
  const channel = sale ? 'online' : random.pick(['pos', 'pos', 'online', 'app'])
  const country = random.chance(0.97) ? 'CN' : random.pick(['HK', 'JP', 'SG', 'DE'])
  const data = { amount, currency: 'CNY', merchantCategory: category, merchantId, channel, country }
  return deed('card-system', 'card.purchase', data)
}

const topics = [
  'wealth',
  'loans',
  'credit_card',
  'fx',
  'insurance',
  'travel',
  'mortgage',
  'gold',
  'pension',
  'other',
] as const
const topicWeights = cumulate([20, 14, 16, 8, 8, 10, 8, 5, 5, 6])

function search(persona: Persona, _mood: Mood, random: Random): Deed {
  const family = persona.hasChildren && random.chance(0.3)
  const own = persona.employment === 'student' && random.chance(0.3)
  const category = family
    ? random.pick(['early_education', 'baby'])
    : own
      ? 'study_abroad'
      : (topics[random.weighted(topicWeights)] ?? 'other')
  return deed('mobile-app', 'search.made', { category, text: null })
}

const kinds = ['household', 'rent', 'insurance', 'investment', 'education', 'cash', 'fee', 'other'] as const

function transfer(persona: Persona, mood: Mood, random: Random): Deed {
  const paid = mood === 'salary' && persona.employment !== 'student'
  const inward = paid || random.chance(0.3)
  const income = persona.employment === 'retired' ? 'pension' : 'salary'
  const kind = paid ? income : random.chance(0.003) ? 'penalty_interest' : random.pick(kinds)
  const large = !paid && random.chance(0.004)
  const amount = paid
    ? 400_000 + random.below(2_200_000)
    : 1000 + Math.floor((large ? 30_000_000 : 500_000) * random.next())
  const direction = inward && kind !== 'penalty_interest' && kind !== 'fee' ? 'in' : 'out'
  const counterpartyBank = random.chance(0.5) ? `b-${random.below(20)}` : null
  return deed('core-banking', 'transfer.made', { amount, currency: 'CNY', direction, kind, counterpartyBank })
}

function repayment(_persona: Persona, _mood: Mood, random: Random): Deed {
  const product = random.pick(['credit_card', 'consumer_loan', 'mortgage'])
  return deed('core-banking', 'repayment.made', { amount: 10_000 + random.below(900_000), currency: 'CNY', product })
}

const products = [
  { product: 'deposit', riskGrade: 1 },
  { product: 'bond', riskGrade: 2 },
  { product: 'fund', riskGrade: 3 },
  { product: 'gold', riskGrade: 3 },
  { product: 'equity', riskGrade: 4 },
] as const

function trade(persona: Persona, _mood: Mood, random: Random): Deed {
  const { product, riskGrade } = random.pick(products)
  const amount = 10_000 + Math.floor(persona.assetsFen * 0.1 * random.next())
  const side = random.pick(['buy', 'buy', 'sell'])
  return deed('wealth-platform', 'wealth.trade', { amount, currency: 'CNY', side, product, riskGrade })
}

function nps(_persona: Persona, _mood: Mood, random: Random): Deed {
  const score = random.chance(0.25) ? random.below(7) : 7 + random.below(4)
  return deed('survey', 'nps.answered', { score, topic: random.pick(['app', 'branch', 'card']) })
}

function consent(_persona: Persona, _mood: Mood, random: Random): Deed {
  const channel = random.pick(['sms', 'push', 'email'])
  return deed('mobile-app', 'consent.updated', { channel, granted: random.chance(0.4), purpose: 'marketing' })
}

function life(_persona: Persona, _mood: Mood, random: Random): Deed {
  const kind = random.pick(['unemployment', 'bereavement', 'marriage', 'birth', 'relocation', 'retirement', 'illness'])
  return deed('crm', 'life_event.reported', { kind, resolved: random.chance(0.15), occurredAt: null })
}

function account(_persona: Persona, _mood: Mood, random: Random): Deed {
  const accountType = random.pick(['current', 'savings', 'credit_card', 'wealth'])
  const channel = random.pick(['app', 'branch', 'web'])
  return deed('core-banking', 'account.opened', { accountType, channel, advisor: null })
}
