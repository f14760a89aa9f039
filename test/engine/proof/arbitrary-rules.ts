/** Random guardrails and allows over the corner bank, as a model: what no author would write, but any checker must stand. */
import fc from 'fast-check'
import type { AllowModel, GuardrailModel, LoadedPack, Model, Scope } from '../../../rules/model.ts'
import type { GuardrailReason } from '../../../rules/reasons.ts'

const place = { file: 'guardrails.yaml', line: 1 }
const text = { en: 'A rule of the test.', zh: '测试规则。' }
const dayMs = 86_400_000

/** Comparisons by the variable they read: a condition reads each at most once, so that `may` is exact. */
const atoms: readonly (readonly string[])[] = [
  ['profile.student', '!profile.student'],
  [
    'profile.employment == "student"',
    'profile.employment in ["unemployed", "retired"]',
    'profile.employment != "employed"',
  ],
  ['profile.assets >= money("100.00")', 'profile.assets < money("5.00")'],
  ['profile.riskGrade == "conservative"'],
  ['maternity_30d >= 2', 'maternity_30d < 1'],
  ['!profile.smsConsent'],
]

const condition: fc.Arbitrary<string> = fc
  .subarray([0, 1, 2, 3, 4, 5], { minLength: 1, maxLength: 3 })
  .chain((which) => fc.tuple(...which.map((i) => fc.constantFrom(...(atoms[i] ?? ['profile.student'])))))
  .chain((parts) =>
    fc
      .array(fc.constantFrom('&&', '||'), { minLength: parts.length, maxLength: parts.length })
      .map((operators) => parts.map((part, i) => (i === 0 ? part : `${operators[i]} (${part})`)))
      .map(([first = '', ...rest]) => rest.reduce((all, part) => `(${all}) ${part}`, first)),
  )

/** The scope of a random rule over the categories and channels of a model. */
function scopeOver(model: Model): fc.Arbitrary<Scope> {
  return fc.record({
    categories: fc.oneof(
      fc.constant('all' as const),
      fc.subarray([...model.categories], { minLength: 2, maxLength: 6 }),
    ),
    exceptCategories: fc.subarray([...model.categories], { maxLength: 2 }),
    channels: fc.oneof(
      fc.constant('all' as const),
      fc.subarray(
        model.channels.map(({ id }) => id),
        { minLength: 1 },
      ),
    ),
    classes: fc.constantFrom<Scope['classes']>('all', ['marketing'], ['marketing', 'service']),
  })
}

const reasons: readonly GuardrailReason[] = ['student', 'unemployment', 'bereavement', 'minor', 'bank_policy']
const kinds = ['unemployment', 'bereavement', 'illness', 'divorce'] as const

const guardrailOver = (model: Model): fc.Arbitrary<Omit<GuardrailModel, 'id'>> =>
  fc
    .record({
      reason: fc.constantFrom(...reasons),
      closes: scopeOver(model),
      when: fc.option(condition, { freq: 3 }),
      kind: fc.option(fc.constantFrom(...kinds)),
      role: fc.option(fc.constantFrom('compliance', 'adviser')),
    })
    .map(({ reason, closes, when, kind, role }) => ({
      reason,
      text,
      closes,
      when: when === null && kind === null ? 'profile.student' : when,
      suppression:
        kind === null
          ? null
          : {
              event: 'life_event.reported',
              where: `event.kind == "${kind}" && !event.resolved`,
              forMs: 30 * dayMs,
              liftedBy: { event: 'life_event.reported', where: `event.kind == "${kind}" && event.resolved` },
            },
      override: role === null ? ('never' as const) : { role, atMostMs: 20 * dayMs },
      place,
    }))

const allowOver = (model: Model): fc.Arbitrary<Omit<AllowModel, 'id'>> =>
  fc
    .record({ opens: scopeOver(model), when: fc.option(condition, { freq: 4 }) })
    .map((rule) => ({ ...rule, text, place }))

/** Packs with random guardrails and allows in place of their own, every offer eligible, and no red lines. */
export function packsOver(
  pack: LoadedPack,
  most: { readonly guardrails: number; readonly allows: number },
): fc.Arbitrary<LoadedPack> {
  const { model } = pack
  return fc
    .record({
      guardrails: fc.array(guardrailOver(model), { minLength: 1, maxLength: most.guardrails }),
      allows: fc.array(allowOver(model), { maxLength: most.allows }),
    })
    .map(({ guardrails, allows }) => ({
      ...pack,
      model: {
        ...model,
        guardedBy: {},
        guardrails: guardrails.map((rule, i) => ({ ...rule, id: `rule-${i}` })),
        allows: allows.map((rule, i) => ({ ...rule, id: `allow-${i}` })),
        offers: model.offers.map((offer) => ({ ...offer, eligible: null })),
      },
    }))
}
