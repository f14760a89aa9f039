/**
 * A pack of a size that is said, written as files and read by the real loader: one trigger that proposes every offer, guardrails, caps,
 * gaps and quiet hours that all look at them, and features and attributes that the conditions read. JSON is YAML, so it is written as that.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadPack } from '../../rules/load-pack.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { formatProblems } from '../../rules/pack-problem.ts'

export type PackSize = { readonly offers: number; readonly guardrails: number; readonly caps: number }

/** What is bought, in turn; `travel` is what the trigger answers. */
export const bought = ['grocery', 'restaurant', 'beauty', 'fashion', 'travel'] as const

const categoryCount = 10
const category = (n: number): string => `category_${n % categoryCount}`
const said = (en: string): { readonly en: string; readonly zh: string } => ({ en, zh: `${en}（规则）` })
const list = <T>(count: number, make: (n: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, n) => make(n))

/** Writes a pack of a size, loads it and removes it again. @throws Error when the loader refuses it */
export async function loadGeneratedPack(size: PackSize): Promise<LoadedPack> {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-stages-'))
  try {
    for (const [name, content] of Object.entries(filesOf(size)))
      await writeFile(join(dir, `${name}.yaml`), JSON.stringify(content, null, 2))
    const result = await loadPack(dir)
    if (result.kind === 'ok') return result.pack
    throw new Error(`the generated pack is refused:\n${formatProblems(result.problems)}`)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

function filesOf({ offers, guardrails, caps }: PackSize): Readonly<Record<string, unknown>> {
  return {
    pack: {
      name: 'generated',
      description: 'A pack of the benchmark stages',
      zone: 'Asia/Shanghai',
      currency: 'CNY',
      lateness: '24h',
      categories: list(categoryCount, (n) => ({ id: category(n), guardedBy: ['unlawful_source'] })),
    },
    sources: { sources: [{ id: 'core-banking', lawfulBasis: 'contract', purposes: ['service', 'marketing'] }] },
    profile: { attributes },
    features: { features: list(featureCount, featureOf) },
    guardrails: { guardrails: list(guardrails, guardrailOf) },
    contact: contactOf(caps),
    placements: {
      channels: [{ id: 'push', contact: true }],
      placements: [{ id: 'push_message', channel: 'push', direction: 'outbound', contentTypes: ['card'] }],
    },
    offers: { offers: list(offers, offerOf) },
    triggers: {
      triggers: [
        {
          id: 'journey',
          on: 'card.purchase',
          when: 'event.merchantCategory == "travel" && purchases_0 >= 1',
          offers: list(offers, (n) => `offer_${n}`),
          placement: 'push_message',
          freshness: '12h',
        },
      ],
    },
    arbitration: {
      suitability: {
        attribute: 'riskGrade',
        allows: { conservative: 1, steady: 2, balanced: 3, aggressive: 5 },
        whenUnknown: 1,
      },
      arbitration: { classes: ['regulatory', 'service', 'marketing'], nothing: 0.05 },
    },
  }
}

const setBy = (field: string) => [{ event: 'profile.updated', field }]
const attributes = [
  {
    id: 'employmentStatus',
    type: 'enum',
    values: ['employed', 'self_employed', 'unemployed', 'retired', 'student'],
    setBy: setBy('employmentStatus'),
  },
  {
    id: 'riskGrade',
    type: 'enum',
    values: ['conservative', 'steady', 'balanced', 'aggressive'],
    setBy: setBy('riskGrade'),
  },
  { id: 'age', type: 'age', setBy: setBy('birthDate') },
  { id: 'totalAssets', type: 'money', setBy: setBy('totalAssets') },
  { id: 'hasChildren', type: 'bool', setBy: setBy('hasChildren') },
  {
    id: 'pushConsent',
    type: 'bool',
    setBy: [
      {
        event: 'consent.updated',
        where: 'event.channel == "push" && event.purpose == "marketing"',
        field: 'granted',
      },
    ],
  },
]

/** Counts and sums of each kind of purchase in turn, over a week and a month. */
const featureCount = 20
const featureOf = (n: number) => ({
  id: n % 2 === 0 ? `purchases_${n}` : `spend_${n}`,
  kind: n % 2 === 0 ? 'count' : 'sum',
  event: 'card.purchase',
  where: n === 0 ? null : `event.merchantCategory == "${bought[n % bought.length]}"`,
  value: n % 2 === 0 ? null : 'amount',
  window: ['7d', '30d'][Math.floor(n / 10)],
})

/** Each reads two features and the profile; one in five is for customers with more than these ever spend. */
function offerOf(n: number) {
  const count = `purchases_${2 * (n % 10)}`
  const spend = `spend_${2 * ((n + 3) % 10) + 1}`
  const least = n % 5 === 4 ? '900000.00' : '0.00'
  return {
    id: `offer_${n}`,
    title: said(`Offer ${n}`),
    category: category(n),
    class: 'marketing',
    contentType: 'card',
    channels: ['push'],
    eligible: `${count} >= 0 && ${spend} >= money("${least}") && profile.age >= 18`,
    riskGrade: n % 12 === 7 ? 5 : null,
    propensity: 0.2 + (n % 30) / 100,
    context: `${count} >= 3 ? 1.2 : 1.0`,
    value: 'profile.hasChildren ? 1.1 : 1.0',
    validFor: '24h',
  }
}

/** Two that no marketing goes without; then conditions over features and profile, all open but those of one category, and suppressions. */
function guardrailOf(n: number) {
  const wide = n % 3 === 0
  const rest = {
    id: `guardrail_${n}`,
    text: said(`Guardrail ${n}`),
    closes: {
      categories: wide || n < 2 ? 'all' : [category(n), category(n + 1), category(n + 4)],
      classes: ['marketing'],
    },
  }
  if (n === 0) return { ...rest, reason: 'unlawful_source', when: '!source.lawful' }
  if (n === 1) return { ...rest, reason: 'no_consent', when: '!profile.pushConsent' }
  if (n === 2)
    return {
      ...rest,
      reason: 'bank_policy',
      closes: { ...rest.closes, categories: [category(8)] },
      when: 'profile.totalAssets < money("9000000.00")',
    }
  if (n % 5 === 4) {
    const where = `event.kind == "${['bereavement', 'unemployment', 'illness'][n % 3]}" && !event.resolved`
    return { ...rest, reason: 'bereavement', suppression: { event: 'life_event.reported', where, for: `${30 + n}d` } }
  }
  const when = [
    `purchases_${2 * (n % 10)} > ${200 + n}`,
    `profile.employmentStatus == "unemployed" && profile.age < ${20 + n}`,
    `spend_${2 * (n % 10) + 1} > money("${800_000 + n}.00")`,
  ][n % 3]
  return { ...rest, reason: 'hardship', when }
}

/** Half of the caps on one category each, a quarter on pairs, a quarter on everything; gaps that are over, and nights. */
function contactOf(caps: number) {
  const capOf = (n: number) => {
    const text = said(`Cap ${n}`)
    if (n % 4 < 2)
      return {
        id: `cap_${n}`,
        limit: 1,
        per: '14d',
        applies: { categories: [category(Math.floor(n / 4) * 2 + (n % 4))] },
        text,
      }
    if (n % 4 === 2)
      return { id: `cap_${n}`, limit: 4, per: '30d', applies: { categories: [category(n), category(n + 1)] }, text }
    // The longer the window the higher the limit, and in step: else one of them never binds, which the loader refuses.
    const step = Math.floor(n / 4) + 1
    const applies = { categories: 'all', channels: ['push'] }
    return { id: `cap_${n}`, limit: 8 * step, per: `${18 * step}d`, applies, text }
  }
  const all = { categories: 'all', channels: ['push'], classes: ['marketing'] }
  return {
    caps: list(caps, capOf),
    gaps: [
      { id: 'two_hours', least: '2h', applies: all, text: said('Two hours between two messages') },
      ...list(3, (n) => ({
        id: `gap_${n}`,
        least: '3d',
        after: { categories: [category(n)] },
        applies: { categories: [category(n + 1), category(n + 2)] },
        text: said(`Gap ${n}`),
      })),
    ],
    quietHours: [
      { id: 'night', from: '21:00', to: '08:00', applies: all, instead: 'hold', text: said('No messages at night') },
      {
        id: 'noon',
        from: '12:00',
        to: '13:00',
        applies: { ...all, categories: [category(9)] },
        instead: 'drop',
        text: said('None at noon'),
      },
    ],
  }
}
