/** Nothing escapes a guardrail it has to be under, and the safe offers of the placements are really safe. */
import type { Condition } from '../compiled.ts'
import { fits } from '../fits.ts'
import type { AllowModel, GuardrailModel, OfferModel, PlacementModel } from '../model.ts'
import { lawfulName } from '../pack-vocabulary.ts'
import type { GuardrailReason } from '../reasons.ts'
import { holdsOffer, opensOffer } from '../scope.ts'
import { termNames } from '../terms.ts'
import type { Checking, CompiledConditions, Spot } from './checking.ts'

export function checkGuardrails(checking: Checking, conditions: CompiledConditions): void {
  for (const [i, guardrail] of checking.model.guardrails.entries()) checkGuardrail(checking, guardrail, i)
  for (const [i, allow] of checking.model.allows.entries()) checkAllow(checking, allow, i)
  for (const [i, offer] of checking.model.offers.entries()) {
    checkCoverage(checking, offer, i)
    checkExcepted(checking, offer, i)
  }
  for (const [i, placement] of checking.model.placements.entries()) {
    checkFallback(checking, conditions, placement, {
      file: 'placements.yaml',
      path: ['placements', i, placement.fallback === null ? 'id' : 'fallback'],
      rule: placement.id,
    })
  }
}

/** Reasons that no role may set aside: only the customer gives consent, and only the law makes a source lawful. */
const unopenable: ReadonlySet<GuardrailReason> = new Set([
  'no_consent',
  'do_not_contact',
  'objection',
  'data_sharing',
  'unlawful_source',
])

function checkGuardrail({ model, refuse }: Checking, guardrail: GuardrailModel, i: number): void {
  const spot = (...keys: string[]): Spot => ({
    file: 'guardrails.yaml',
    path: ['guardrails', i, ...keys],
    rule: guardrail.id,
  })
  if (guardrail.when === null && guardrail.suppression === null) {
    const message = 'The guardrail never closes anything. Give it a condition ("when") or a suppression.'
    refuse('guardrail_empty', spot('id'), message)
  }
  if (guardrail.override !== 'never' && unopenable.has(guardrail.reason)) {
    const message = `Nobody can decide for the customer here: a guardrail with the reason "${guardrail.reason}" is never opened.`
    refuse('guardrail_bypass', spot('override'), `${message} Take "override" away.`)
  }
  const { categories, exceptCategories } = guardrail.closes
  const held = categories === 'all' ? model.categories : categories
  if (held.every((category) => exceptCategories.includes(category))) {
    const message = 'The exceptions leave nothing to close. Take some of "exceptCategories" away.'
    refuse('guardrail_empty', spot('closes', 'exceptCategories'), message)
  }
}

/** An allow that opens nothing is dead: only a guardrail that a role may open can be opened by it, and only where both hold. */
function checkAllow({ model, warn }: Checking, allow: AllowModel, i: number): void {
  const opensSome = model.offers.some((offer) =>
    offer.channels.some(
      (channel) =>
        opensOffer(allow.opens, offer, channel) &&
        model.guardrails.some((rule) => rule.override !== 'never' && holdsOffer(rule.closes, offer, channel)),
    ),
  )
  if (opensSome) return
  const message = 'The allow opens nothing: no offer in its scope is held by a guardrail that a role may open.'
  warn('reference_dead', { file: 'guardrails.yaml', path: ['allows', i, 'id'], rule: allow.id }, message)
}

/**
 * Each offer, on each of its channels, is in the scope of a guardrail for every reason its category is guarded by; and
 * whatever the pack says, marketing is under `unlawful_source`, and under `no_consent` on channels that push. A guardrail
 * that an allow of the pack opens there guards no red line.
 */
function checkCoverage({ model, refuse }: Checking, offer: OfferModel, i: number): void {
  const pushed = new Set(model.placements.filter((p) => p.direction === 'outbound').map((p) => p.channel))
  const marketing = offer.class === 'marketing'
  const escapes = new Map<GuardrailReason, string[]>()
  const ends = new Map<GuardrailReason, string>()
  for (const channel of offer.channels) {
    const needed = new Set<GuardrailReason>(offer.categories.flatMap((category) => model.guardedBy[category] ?? []))
    if (marketing) needed.add('unlawful_source')
    if (marketing && pushed.has(channel)) needed.add('no_consent')
    for (const reason of needed) {
      const covers = model.guardrails.filter(
        (rule) =>
          rule.reason === reason &&
          (rule.when !== null || rule.suppression !== null) &&
          holdsOffer(rule.closes, offer, channel) &&
          (rule.override === 'never' || !model.allows.some((allow) => opensOffer(allow.opens, offer, channel))),
      )
      if (covers.some(({ effective }) => effective === undefined)) continue
      if (covers[0] !== undefined) ends.set(reason, covers[0].id)
      else escapes.set(reason, [...(escapes.get(reason) ?? []), channel])
    }
  }
  for (const [reason, id] of ends) {
    const spot: Spot = { file: 'offers.yaml', path: ['offers', i, 'id'], rule: offer.id }
    const message = `The red line "${reason}" ends: only guardrails hold the offer that are not always in effect.`
    refuse('red_line_ends', spot, `${message} Add one without a window.`, {
      counterexample: `${offer.id} outside of the window of ${id}`,
    })
  }
  for (const [reason, channels] of escapes) {
    const what = `${offer.class} of the category ${offer.categories.join(' + ')} on ${channels.join(', ')}`
    const message = `The offer escapes: no guardrail with the reason "${reason}" holds ${what}.`
    const spot: Spot = { file: 'offers.yaml', path: ['offers', i, 'id'], rule: offer.id }
    const remedy = 'Widen such a guardrail (see its exceptions, and allows that open it) or withdraw the offer.'
    refuse('guardrail_bypass', spot, `${message} ${remedy}`, {
      counterexample: `${offer.id} on ${channels[0]}, although ${reason}`,
    })
  }
}

/** What a guardrail against personal offers makes an exception of is the same for everybody. */
function checkExcepted({ model, refuse }: Checking, offer: OfferModel, i: number): void {
  if (!isPersonal(offer) && !model.triggers.some(({ offers }) => offers.includes(offer.id))) return
  for (const { id, closes, instead } of model.guardrails) {
    if (instead !== 'non_personal') continue
    const whole = { ...closes, exceptCategories: [] }
    const channel = offer.channels.find((on) => holdsOffer(whole, offer, on) && !holdsOffer(closes, offer, on))
    if (channel === undefined) continue
    const message = `"${offer.id}" rests on what is known about the customer (condition, risk grade, score, price or trigger), and is an exception of "${id}".`
    const spot: Spot = { file: 'offers.yaml', path: ['offers', i, 'id'], rule: offer.id }
    refuse(
      'guardrail_bypass',
      spot,
      `${message} Such an exception must be the same for everybody: use another category.`,
      {
        counterexample: `${offer.id} on ${channel}, although objection`,
      },
    )
  }
}

/** Whether an offer depends on what is known about the customer. */
function isPersonal(offer: OfferModel): boolean {
  return (
    offer.eligible !== null ||
    offer.riskGrade !== null ||
    termNames.some((name) => typeof offer[name] !== 'number') ||
    (offer.prices ?? []).some(({ otherwise }) => otherwise !== null)
  )
}

function checkFallback(
  checking: Checking,
  conditions: CompiledConditions,
  placement: PlacementModel,
  spot: Spot,
): void {
  const { model, refuse } = checking
  if (placement.direction === 'outbound') {
    if (placement.fallback === null) return
    refuse('fallback_unexpected', spot, 'An outbound placement has no fallback: silence is. Take it away.')
    return
  }
  if (placement.fallback === null) {
    const message = 'An inbound placement always answers: name the offer that is safe for everybody as its "fallback".'
    refuse('fallback_missing', spot, message)
    return
  }
  const offer = model.offers.find((candidate) => candidate.id === placement.fallback)
  if (offer === undefined) {
    refuse('offer_unknown', spot, `There is no offer "${placement.fallback}". Define it or name another one.`)
    return
  }
  if (!fits(offer, placement)) {
    const message = `"${offer.id}" does not fit its placement: check its channels and its content type.`
    refuse('rule_misfit', spot, message)
  }
  if (isPersonal(offer)) {
    const message = `"${offer.id}" depends on what is known about the customer (condition, risk grade, score or price).`
    refuse('fallback_personal', spot, `${message} A fallback must be the same for everybody.`)
  }
  for (const [j, guardrail] of model.guardrails.entries()) {
    if (!holdsOffer(guardrail.closes, offer, placement.channel)) continue
    const condition = conditions.guardrails[j] ?? null
    const blocked = guardrail.suppression !== null || (condition !== null && mayBeTrue(checking, condition))
    if (!blocked) continue
    const shown =
      guardrail.suppression === null
        ? 'a customer of whom nothing is known'
        : `a customer right after ${guardrail.suppression.event}`
    const message = `The guardrail "${guardrail.id}" closes "${offer.id}" for customers we know nothing about, or can.`
    refuse('fallback_blocked', spot, `${message} Use an offer that no guardrail holds, or narrow the guardrail.`, {
      counterexample: shown,
    })
  }
}

/** With everything unknown, as for a customer nobody has seen; a live request is always lawful. */
function mayBeTrue({ variables }: Checking, condition: Condition): boolean {
  const lo = new Float64Array(variables.length).fill(Number.NEGATIVE_INFINITY)
  const hi = new Float64Array(variables.length).fill(Number.POSITIVE_INFINITY)
  const lawful = variables.findIndex((variable) => variable.name === lawfulName)
  lo[lawful] = 1
  hi[lawful] = 1
  return condition.may(lo, hi, null)
}
