import { hash32 } from '../../ingest/hash.ts'
import type { CustomerView, FeatureView } from '../shard/shards.ts'
import { type Contact, claimClass, type Slot } from '../state/states.ts'
import type { StepContext } from '../step/step.ts'
import { valueWords } from './value-words.ts'
import { variableWords } from './variable-words.ts'

/**
 * A customer as the engine sees them at an instant: every attribute and feature by name with its value in words, class
 * and window; suppressions and overrides that still run; contacts in the log, oldest first. Changes nothing. For a look, not for the
 * hot path: it builds an object for every variable.
 *
 * @param asOf instant of the look, Unix milliseconds: windows end there
 * @param known false when the store holds nothing of the customer: then all is as for anybody new
 */
export function customerView(
  context: StepContext,
  slot: Slot,
  customer: {
    readonly customerId: string
    readonly partition: number
    readonly known: boolean
    readonly asOf: number
  },
): CustomerView {
  const { pack, states } = context
  const { customerId, partition, known, asOf } = customer
  const erasedAt = states.erasedAt(slot)
  return {
    customerId,
    partition,
    known,
    erasedAt: erasedAt > 0 ? erasedAt : null,
    asOf,
    packHash: pack.loaded.hash,
    variables: variablesOf(context, slot, asOf),
    suppressions: pack.guardrails
      .filter((guardrail) => guardrail.hasSuppression)
      .map((guardrail) => ({ guardrail: guardrail.id, until: states.suppressedUntil(slot, guardrail.key) }))
      .filter((suppression) => suppression.until > asOf),
    overrides: pack.guardrails
      .flatMap(({ id, override }) =>
        override === null ? [] : [{ guardrail: id, until: states.suppressedUntil(slot, override.key) }],
      )
      .filter((override) => override.until > asOf),
    contacts: contactsOf(context, slot),
    bytes: states.bytesOf(slot),
  }
}

function variablesOf(context: StepContext, slot: Slot, asOf: number): readonly FeatureView[] {
  const { pack, states } = context
  const { model } = pack.loaded
  const lo = new Float64Array(pack.layout.variables).fill(Number.NEGATIVE_INFINITY)
  const hi = new Float64Array(pack.layout.variables).fill(Number.POSITIVE_INFINITY)
  const variables = [...pack.layout.attributes, ...pack.layout.features].map((definition) => definition.variable)
  states.evaluate(slot, asOf, asOf, variables, lo, hi)
  const wording = { language: 'en', currency: model.currency, zone: model.zone } as const
  return variables.map((variable) => {
    const name = pack.variables[variable]?.name ?? ''
    const words = variableWords(model, name, 'en')
    const bounds = { lo: lo[variable]!, hi: hi[variable]! }
    return {
      name,
      kind: words?.kind ?? 'feature',
      type: pack.variables[variable]?.type ?? '',
      value: valueWords(bounds, words?.type ?? 'double', words?.values ?? [], wording),
      lo: Number.isFinite(bounds.lo) ? bounds.lo : null,
      hi: Number.isFinite(bounds.hi) ? bounds.hi : null,
      class: states.classOf(variable, lo, hi),
      window: words?.window ?? '',
    }
  })
}

/** Contacts carry hashes of ids, so that they outlive a pack: an id the pack no longer has reads as `unknown`. */
function contactsOf(context: StepContext, slot: Slot): CustomerView['contacts'] {
  const { pack, states } = context
  const { model } = pack.loaded
  const channels = new Map(model.channels.map((channel) => [hash32(channel.id), channel.id]))
  const categories = new Map(model.categories.map((category) => [hash32(category), category]))
  const into: { -readonly [K in keyof Contact]: Contact[K] } = {
    at: 0,
    channel: 0,
    category: 0,
    offer: 0,
    class: 0,
    decision: 0,
    until: 0,
    answered: false,
    recalled: false,
  }
  return Array.from({ length: states.contactCount(slot) }, (_, i) => i).flatMap((i) => {
    states.contactAt(slot, i, into)
    if (into.class === claimClass) return []
    return {
      at: into.at,
      offer: context.run.tables.offerByKey.get(into.offer)?.id ?? 'unknown',
      channel: channels.get(into.channel) ?? 'unknown',
      category: categories.get(into.category) ?? 'unknown',
    }
  })
}
