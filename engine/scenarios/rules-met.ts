/** Which rules of a pack a scenario met: where each did what it is there for, and where it was asked and let things be. */
import type { CompiledGuardrail, CompiledOffer, CompiledPack } from '../../rules/compiled.ts'
import type { EffectiveWindow } from '../../rules/effective.ts'
import { isLawful } from '../../rules/lawful.ts'
import type { OfferModel } from '../../rules/model.ts'
import { type Decision, type Fate, released, stages } from '../../sinks/decision.ts'
import type { Slot } from '../state/states.ts'
import type { Came, ScenarioBank } from './scenario-bank.ts'

/** What is looked for in a pack, in the order it is told. */
export const ruleKinds = [
  'trigger',
  'offer',
  'guardrail',
  'allow',
  'suitability',
  'cap',
  'gap',
  'pause',
  'quiet hours',
  'resource',
  'holdout',
] as const
export type RuleKind = (typeof ruleKinds)[number]

/** A rule that a scenario met. `engine/scenarios/README.md` says for each kind when it fired and when it held back. */
export type RuleMet = {
  readonly kind: RuleKind
  readonly id: string
  readonly fired: boolean
  readonly heldBack: boolean
}

/** The id under which a risk grade that is not known is told. */
export const unknownGrade = 'unknown'

const guardrailRank = stages.indexOf('guardrail')
const contactRank = stages.indexOf('contact')
const suitabilityRank = stages.indexOf('suitability')
const misfits: ReadonlySet<string> = new Set(['channel_mismatch', 'content_type_mismatch'])

type Mutable = { fired: boolean; heldBack: boolean }
type Stopping = {
  readonly model: { readonly id: string }
  readonly stops: readonly boolean[]
  readonly window?: EffectiveWindow | null
}

/** Watches one scenario; to be told of everything that comes, right after it came. */
export class RulesMet {
  readonly #pack: CompiledPack
  readonly #known = new Map<RuleKind, Map<string, Mutable>>()
  /** Types of events that have counted, by customer. */
  readonly #types = new Map<string, Set<string>>()
  readonly #offers: ReadonlyMap<string, CompiledOffer>
  readonly #lo: Float64Array
  readonly #hi: Float64Array

  constructor(pack: CompiledPack) {
    this.#pack = pack
    this.#offers = new Map(pack.offers.map((offer) => [offer.id, offer]))
    this.#lo = new Float64Array(pack.layout.variables)
    this.#hi = new Float64Array(pack.layout.variables)
  }

  /** In the order of the kinds. */
  get met(): readonly RuleMet[] {
    return ruleKinds.flatMap((kind) => [...(this.#known.get(kind) ?? [])].map(([id, how]) => ({ kind, id, ...how })))
  }

  /** Takes in what came of one input of a customer, before anything else happens. */
  see(bank: ScenarioBank, customerId: string, came: Came): void {
    if (came.kind === 'event' && came.status === 'accepted') this.#seeTriggers(customerId, came)
    // A record about an earlier decision has no candidates of its own.
    const decisions = came.decisions.filter(({ recalls }) => recalls.length === 0)
    if (decisions.length > 0) bank.look(customerId, (slot) => this.#seeDecisions(bank, slot, came, decisions))
  }

  #seeTriggers(customerId: string, { input, decisions }: Extract<Came, { kind: 'event' }>): void {
    const { type } = input.event
    const types = this.#types.get(customerId) ?? new Set()
    this.#types.set(customerId, types.add(type))
    const proposing = new Set(
      decisions.flatMap(({ fates }) => fates.flatMap(({ trigger, stage }) => (stage === 'trigger' ? [] : [trigger]))),
    )
    for (const index of this.#pack.types.get(type)?.triggerIndex ?? []) {
      const trigger = this.#pack.triggers[index]
      if (trigger !== undefined) this.#note('trigger', trigger.id, proposing.has(trigger.id))
    }
  }

  #seeDecisions(bank: ScenarioBank, slot: Slot, came: Came, decisions: readonly Decision[]): void {
    for (const decision of decisions) {
      this.#fillFrame(bank, slot, came, decision)
      if (decision.outcome === 'fallback') for (const { offer } of decision.offers) this.#note('offer', offer, true)
      for (const { holdout, group } of decision.holdouts) if (group === 'treated') this.#note('holdout', holdout, false)
      for (const { resource, claim } of decision.stock) if (claim !== null) this.#note('resource', resource, false)
      for (const fate of decision.fates) {
        const offer = this.#offers.get(fate.offer)
        if (offer === undefined || misfits.has(fate.reason)) continue
        this.#note('offer', fate.offer, fate.stage === 'offered')
        const rank = stages.indexOf(fate.stage)
        this.#seeRule(fate)
        this.#seeGrade(offer.model, rank)
        this.#seeAllows(offer.index, decision.channel, fate, bank.now)
        if (fate.stage === 'final_gate') continue
        if (rank > guardrailRank) this.#seePassedGuardrails(bank, slot, decision, offer.index)
        if (rank > contactRank) this.#seePassedContactRules(bank, decision, offer.index)
      }
    }
  }

  /** The rule that a fate names stopped the candidate. */
  #seeRule({ stage, rule }: Fate): void {
    const { guardrails, caps, gaps, pauses, quietHours, resources, holdouts } = this.#pack.loaded.model
    if (rule === null) return
    const note = (kind: RuleKind, rules: readonly { readonly id: string }[]): void => {
      if (rules.some(({ id }) => id === rule)) this.#note(kind, rule, true)
    }
    if (stage === 'guardrail' || stage === 'final_gate') note('guardrail', guardrails)
    if (stage === 'contact') {
      note('cap', caps)
      note('gap', gaps)
      note('pause', pauses)
      note('quiet hours', quietHours)
    }
    if (stage === 'stock') note('resource', resources)
    if (stage === 'holdout') note('holdout', holdouts)
  }

  #seeGrade({ riskGrade }: OfferModel, rank: number): void {
    const { attribute, allows } = this.#pack.loaded.model.suitability
    if (riskGrade === null || rank < suitabilityRank) return
    const variable = this.#pack.variables.findIndex(({ name }) => name === `profile.${attribute}`)
    const value = this.#isKnown([variable]) ? this.#pack.variables[variable]?.values[this.#lo[variable]!] : undefined
    const grade = value !== undefined && Object.hasOwn(allows, value) ? value : unknownGrade
    this.#note('suitability', grade, rank === suitabilityRank)
  }

  /** An allow fired where an offer left because of it; it held back where a guardrail closed that it could have opened. */
  #seeAllows(offer: number, channel: string, { stage, reason, rule }: Fate, now: number): void {
    const isOpened = reason === 'offered_by_allow'
    const closed = stage === 'guardrail' ? this.#pack.guardrails.find(({ id }) => id === rule) : undefined
    if (!isOpened && (closed === undefined || closed.override === null)) return
    for (const index of this.#pack.allowsOf(offer, channel)) {
      const allow = this.#pack.allows[index]
      if (allow === undefined || !isInEffect(allow.window, now)) continue
      const holds = allow.condition?.must(this.#lo, this.#hi, null) ?? true
      if (holds === isOpened) this.#note('allow', allow.id, isOpened)
    }
  }

  #seePassedGuardrails(bank: ScenarioBank, slot: Slot, { customerId, channel }: Decision, offer: number): void {
    for (const index of this.#pack.guardrailsOf(offer, channel)) {
      const guardrail = this.#pack.guardrails[index]
      if (guardrail === undefined || this.#known.get('guardrail')?.get(guardrail.id)?.heldBack === true) continue
      if (this.#isSurelyOpen(bank, slot, customerId, guardrail)) this.#note('guardrail', guardrail.id, false)
    }
  }

  /** Whether everything the guardrail looks at is known, and lets the candidate pass without anybody's having opened it. */
  #isSurelyOpen(
    { context, now }: ScenarioBank,
    slot: Slot,
    customerId: string,
    { index, key, condition, window }: CompiledGuardrail,
  ): boolean {
    // Out of its days and hours it asks about nothing.
    if (!isInEffect(window, now)) return false
    if (condition !== null && !this.#isKnown(condition.reads)) return false
    if (condition?.may(this.#lo, this.#hi, null) === true) return false
    const model = this.#pack.loaded.model.guardrails[index]
    if (model === undefined || model.suppression === null) return true
    const hasMet = this.#types.get(customerId)?.has(model.suppression.event) === true
    return hasMet && context.states.suppressedUntil(slot, key) <= now
  }

  /** A rule of the contact policy held back where it could have stopped the candidate: on a channel that counts, of a class it stops. */
  #seePassedContactRules({ context, now }: ScenarioBank, { channel, placement }: Decision, offer: number): void {
    const { contact, classCodes, placements, placementById } = context.run.tables
    if (placements[placementById.get(placement)?.index ?? -1]?.contact !== true) return
    const code = classCodes[offer] ?? 0
    const note = (kind: RuleKind, rules: readonly Stopping[], of: readonly number[]): void => {
      for (const index of of) {
        const rule = rules[index]
        if (rule?.stops[code] === true && isInEffect(rule.window, now)) this.#note(kind, rule.model.id, false)
      }
    }
    note('cap', contact.caps, this.#pack.capsOf(offer, channel))
    note('gap', contact.gaps, this.#pack.gapsOf(offer, channel))
    note('pause', contact.pauses, this.#pack.pausesOf(offer, channel))
    note('quiet hours', contact.quietHours, this.#pack.quietHoursOf(offer, channel))
  }

  /** What guardrails, allows and the risk grade look at, as the funnel saw it. */
  #fillFrame(bank: ScenarioBank, slot: Slot, came: Came, { eventTime, cause }: Decision): void {
    const { lawfulVariable } = this.#pack
    const { states, run } = bank.context
    states.evaluate(slot, Math.max(eventTime, bank.now), bank.now, run.tables.allVariables, this.#lo, this.#hi)
    const isReleased = cause.source === released.source && cause.type === released.type
    const isFromEvent = came.kind === 'event' && !isReleased
    const lawful = !isFromEvent || isLawful(this.#pack, came.input.event.source, came.input.acceptedAt)
    this.#lo[lawfulVariable] = Number(lawful)
    this.#hi[lawfulVariable] = Number(lawful)
  }

  #isKnown(variables: readonly number[]): boolean {
    return variables.every((variable) => this.#lo[variable]! === this.#hi[variable]!)
  }

  #note(kind: RuleKind, id: string, fired: boolean): void {
    const rules = this.#known.get(kind) ?? new Map<string, Mutable>()
    this.#known.set(kind, rules)
    const how = rules.get(id) ?? { fired: false, heldBack: false }
    rules.set(id, how)
    if (fired) how.fired = true
    else how.heldBack = true
  }
}

/** Whether a rule of this window is asked at an instant; one without is always. */
function isInEffect(window: EffectiveWindow | null | undefined, now: number): boolean {
  return window === null || window === undefined || window.isOpen(now)
}
