/** What the shipped pack promises: who may be offered what, and above all who must not. */
import { expect, test } from 'vitest'
import { closedBy, compileRetailBank, fired, frameOf, type Known, offerIndex } from './frames.ts'

const pack = await compileRetailBank()
const yuan = (amount: number): number => Math.round(amount * 100)
const credit = [
  'consumer_loan',
  'beauty_instalments',
  'gaming_instalments',
  'honeymoon_instalments',
  'travel_instalments',
]
const channelOf = (offer: string): string => pack.offers[offerIndex(pack, offer)]?.model.channels[0] ?? ''
const worker: Known = {
  'profile.employmentStatus': 'employed',
  'profile.studentStatus': false,
  'profile.age': 38,
  'profile.smsConsent': true,
  'profile.pushConsent': true,
  penalty_interest_90d: 0,
}

function eligible(offer: string, known: Known): boolean {
  const { lo, hi } = frameOf(pack, known)
  return pack.offers[offerIndex(pack, offer)]?.eligible?.must(lo, hi, null) ?? true
}

function fires(type: string, event: Readonly<Record<string, unknown>>, known: Known = {}): readonly string[] {
  return fired(pack, type, event, frameOf(pack, known))
}

test('a worker with consent and a clean record may be offered every credit', () => {
  for (const offer of credit) expect(closedBy(pack, offer, channelOf(offer), frameOf(pack, worker))).toEqual([])
})

test.each([
  ['student', 'employed', true],
  ['student', 'student', false],
  ['unknown', 'employed', undefined],
  ['unknown', undefined, false],
  ['no student', 'employed', false],
])('of a %s (%s, %s) no more is offered than the status allows', (status, employment, student) => {
  const { 'profile.employmentStatus': _e, 'profile.studentStatus': _s, ...others } = worker
  const frame = frameOf(pack, {
    ...others,
    ...(employment === undefined ? {} : { 'profile.employmentStatus': employment }),
    ...(student === undefined ? {} : { 'profile.studentStatus': student }),
  })
  for (const offer of credit) {
    expect(closedBy(pack, offer, channelOf(offer), frame).includes('student')).toBe(status !== 'no student')
  }
  for (const offer of ['study_loan', 'study_abroad_package']) expect(closedBy(pack, offer, 'push', frame)).toEqual([])
})

test.each([
  ['unemployed', true],
  [undefined, true],
  ['employed', false],
  ['retired', false],
])('consumer credit for customers whose work is %s: closed %s', (employment, closed) => {
  const { 'profile.employmentStatus': _, ...others } = worker
  const frame = frameOf(pack, employment === undefined ? others : { ...others, 'profile.employmentStatus': employment })
  for (const offer of [...credit, 'family_bundle']) {
    expect(closedBy(pack, offer, channelOf(offer), frame).includes('unemployment')).toBe(closed)
  }
  expect(closedBy(pack, 'hardship_help', 'push', frame)).toEqual([])
})

test.each(['sms', 'push', 'email', 'phone'])(
  'marketing by %s needs a known consent to this very channel',
  (channel) => {
    const all = Object.fromEntries(['sms', 'push', 'email', 'phone'].map((c) => [`profile.${c}Consent`, c !== channel]))
    for (const offer of pack.offers.filter(
      (o) => o.model.class === 'marketing' && o.model.channels.includes(channel),
    )) {
      const closed = (known: Known) => closedBy(pack, offer.id, channel, frameOf(pack, known)).includes('no_consent')
      expect(closed(all)).toBe(true)
      expect(closed({})).toBe(true)
      expect(closed({ ...all, [`profile.${channel}Consent`]: true })).toBe(false)
    }
  },
)

test('service messages need no consent', () => {
  for (const offer of ['welcome', 'repayment_thanks']) expect(closedBy(pack, offer, 'sms', frameOf(pack))).toEqual([])
})

test('data from an unlawful source closes everything but the safe contents', () => {
  expect(pack.lawfulSources.has('dataharvest-crawler')).toBe(false)
  expect(pack.lawfulSources.has('core-banking')).toBe(true)
  const frame = frameOf(pack, { ...worker, 'source.lawful': false })
  for (const offer of pack.offers) {
    for (const channel of offer.model.channels) {
      const closed = closedBy(pack, offer.id, channel, frame).includes('unlawful_source')
      expect(closed).toBe(offer.model.category !== 'information')
    }
  }
})

test.each([
  ['unemployment', 180, credit.concat('family_bundle')],
  ['illness', 180, credit.concat('family_bundle')],
  ['divorce', 180, credit.concat('family_bundle')],
  ['hardship', 365, credit.concat('family_bundle', 'fx_wallet', 'wealth_r2_bonds', 'banner_private_banking')],
  ['bereavement', 90, credit.slice(1)],
  ['bereavement', 30, pack.offers.filter((offer) => offer.model.class === 'marketing').map((offer) => offer.id)],
])('%s silences for %s days', (kind, days, offers) => {
  const plan = pack.types.get('life_event.reported')
  const setting = (plan?.suppressions ?? []).filter(
    ({ where, forMs }) => forMs === days * 86_400_000 && where?.({ kind, resolved: false }) === true,
  )
  expect(
    setting.some(({ where }) => where?.({ kind, resolved: true }) || where?.({ kind: 'birth', resolved: false })),
  ).toBe(false)
  const rules = setting.map(({ guardrail }) => guardrail)
  for (const offer of offers) {
    for (const channel of pack.offers[offerIndex(pack, offer)]?.model.channels ?? []) {
      expect(pack.guardrailsOf(offerIndex(pack, offer), channel).some((rule) => rules.includes(rule))).toBe(true)
    }
  }
})

test('a new job ends the silence after unemployment, and nothing else does', () => {
  const lifting = (pack.types.get('life_event.reported')?.suppressions ?? []).filter(({ forMs }) => forMs === 0)
  const liftedBy = (data: Readonly<Record<string, unknown>>) =>
    lifting.filter(({ where }) => where?.(data) === true).map(({ guardrail }) => pack.guardrails[guardrail]?.id)
  expect(liftedBy({ kind: 'unemployment', resolved: true })).toEqual(['no-credit-after-job-loss'])
  expect(liftedBy({ kind: 'unemployment', resolved: false })).toEqual([])
  expect(liftedBy({ kind: 'marriage', resolved: true })).toEqual([])
})

test.each([
  ['conservative', 1],
  ['steady', 2],
  ['balanced', 3],
  ['aggressive', 5],
  [undefined, 1],
])('customers of the risk grade %s may buy up to R%s', (grade, allowed) => {
  const { lo, hi } = frameOf(pack, grade === undefined ? {} : { 'profile.riskGrade': grade })
  expect(pack.gradeAllowed(lo, hi)).toBe(allowed)
})

test('there is a wealth product of every risk grade', () => {
  const grades = pack.offers.filter((o) => o.id.startsWith('wealth_r')).map((o) => o.model.riskGrade)
  expect(grades).toEqual([1, 2, 3, 4, 5])
})

test.each([
  [49_999.99, 'banner_first_savings'],
  [50_000, 'banner_term_deposit'],
  [499_999.99, 'banner_term_deposit'],
  [500_000, 'banner_r2_income'],
  [999_999.99, 'banner_r2_income'],
  [1_000_000, 'banner_private_banking'],
])('a steady customer with %s sees %s', (assets, banner) => {
  const known = { 'profile.riskGrade': 'steady', 'profile.totalAssets': yuan(assets) }
  const banners = pack.offers.filter((o) => o.model.contentType === 'banner' && o.model.riskGrade !== null)
  const shown = pack.offers.filter((o) => o.model.category === 'wealth' && o.model.contentType === 'banner')
  expect([...new Set([...banners, ...shown])].filter((o) => eligible(o.id, known)).map((o) => o.id)).toEqual([banner])
})

test('the R2 banner is for steady customers only, and goes first', () => {
  const assets = { 'profile.totalAssets': yuan(700_000) }
  expect(eligible('banner_r2_income', { ...assets, 'profile.riskGrade': 'balanced' })).toBe(false)
  expect(eligible('banner_r2_income', assets)).toBe(false)
  const priorities = pack.offers.filter((o) => o.model.contentType === 'banner').map((o) => o.model.priority)
  expect(pack.offers[offerIndex(pack, 'banner_r2_income')]?.model.priority).toBe(Math.max(...priorities))
})

const maternity = { merchantCategory: 'maternity' }
test.each([
  ['both, the purchase last', 'card.purchase', maternity, 2.0, 1, ['mother-and-baby-purchase']],
  ['both, the search last', 'search.made', { category: 'early_education' }, 2.0, 1, ['mother-and-baby-search']],
  ['growth below 200 %', 'card.purchase', maternity, 1.99, 1, []],
  ['no search', 'card.purchase', maternity, 3, 0, []],
  ['no baseline to grow from', 'card.purchase', maternity, undefined, 1, []],
  ['a purchase of something else', 'card.purchase', { merchantCategory: 'grocery' }, 3, 1, []],
  ['a search for something else', 'search.made', { category: 'baby' }, 3, 1, []],
])('mother and baby: %s', (_case, type, event, growth, searches, expected) => {
  const known = {
    early_education_searches_30d: searches,
    ...(growth === undefined ? {} : { maternity_growth_30d: growth }),
  }
  expect(fires(type, event, known).filter((id) => id.startsWith('mother'))).toEqual(expected)
  expect(eligible('family_bundle', known)).toBe(
    expected.length > 0 || (growth !== undefined && growth >= 2 && searches >= 1),
  )
})

test('the family bundle is one offer of three parts, at most once in 30 days', () => {
  const bundle = offerIndex(pack, 'family_bundle')
  expect(pack.offers[bundle]?.model.parts).toHaveLength(3)
  const caps = pack.capsOf(bundle, 'push').map((index) => pack.loaded.model.caps[index])
  expect(caps.some((cap) => cap?.limit === 1 && cap.perMs === 30 * 86_400_000)).toBe(true)
})

test.each([
  [2, []],
  [3, ['fx-interest']],
])('%s views of exchange rates within a day fire %s', (views, expected) => {
  expect(fires('page.viewed', { pageGroup: 'fx' }, { fx_views_24h: views })).toEqual(expected)
})

test.each([
  [4_999.99, []],
  [5_000, ['large-repayment']],
])('a repayment of %s fires %s', (amount, expected) => {
  expect(fires('repayment.made', { amount: yuan(amount) })).toEqual(expected)
})

test('a new account is welcomed by a service message', () => {
  expect(fires('account.opened', { accountType: 'current' })).toEqual(['account-opened'])
  expect(pack.offers[offerIndex(pack, 'welcome')]?.model.class).toBe('service')
})

test('who loses their job is offered help at once', () => {
  expect(fires('life_event.reported', { kind: 'unemployment', resolved: false })).toEqual(['job-lost'])
  expect(eligible('hardship_help', { unemployment_reports_180d: 1, unemployment_ends_180d: 0 })).toBe(true)
  expect(eligible('hardship_help', { unemployment_reports_180d: 1, unemployment_ends_180d: 1 })).toBe(false)
  expect(eligible('hardship_help', { 'profile.employmentStatus': 'unemployed' })).toBe(true)
})

test.each([
  [17, true],
  [18, false],
  [110, false],
  [126, true],
  [undefined, true],
])('credit and investments for customers of age %s: closed %s', (age, closed) => {
  const { 'profile.age': _, ...others } = worker
  const frame = frameOf(pack, age === undefined ? others : { ...others, 'profile.age': age })
  for (const offer of [...credit, 'family_bundle', 'wealth_r2_bonds', 'banner_private_banking', 'talk_large_inflow'])
    expect(closedBy(pack, offer, channelOf(offer), frame).includes('minor')).toBe(closed)
  for (const offer of ['wealth_r1_deposit', 'study_loan', 'hardship_help', 'fx_wallet'])
    expect(closedBy(pack, offer, channelOf(offer), frame)).not.toContain('minor')
})

test('the fallback of every inbound placement is held by no guardrail', () => {
  const inbound = pack.placements.filter((placement) => placement.direction === 'inbound')
  expect(inbound.map((placement) => placement.id)).toEqual(['app_home_banner', 'app_offers', 'adviser_desk'])
  for (const { fallback, channel } of inbound) expect(pack.guardrailsOf(fallback, channel)).toEqual([])
})

test('no other offer than the fallbacks, and what is the same for everybody, is left for a customer nobody knows', () => {
  const { lo, hi } = frameOf(pack)
  for (const placement of pack.placements.filter((one) => one.direction === 'inbound')) {
    expect(placement.offers).not.toContain(placement.fallback)
    const open = placement.offers.filter((offer) => pack.offers[offer]?.eligible?.must(lo, hi, null) ?? true)
    expect(open.map((offer) => pack.offers[offer]?.id)).toEqual(
      placement.id === 'adviser_desk' ? ['talk_open_evening'] : [],
    )
  }
})
