/**
 * The proof that nothing forbidden can leave: the final gate, the function that runs in production, is asked about every
 * case there is, and what the rules say is worked out beside it from their texts. No earlier stage has a part in it.
 */
import type { CompiledPack } from '../../rules/compiled.ts'
import type { EffectiveModel } from '../../rules/effective.ts'
import { everyPurpose } from '../../rules/source-table.ts'
import { type GateView, type Opened, stoppedBy } from '../step/funnel/final-gate.ts'
import { createTables, type FunnelTables } from '../step/funnel/tables.ts'
import { nowhere } from '../step/step-context.ts'
import { type Answer, Answers } from './answers.ts'
import { eachCombination, writeFrame } from './cases.ts'
import { type Enumeration, enumerationOf, gradeVariable, type Overrides } from './enumeration.ts'
import { type Premise, premisesOf } from './premises.ts'
import { type GuardrailText, type RuleTexts, ruleTexts } from './rule-texts.ts'
import { type Target, targetsOf } from './targets.ts'

/** A customer for whom an offer leaves that must not. */
export type Counterexample = {
  readonly target: Target
  readonly premise: Premise
  /** What is known of the customer, as far as it matters. */
  readonly values: readonly { readonly variable: number; readonly lo: number; readonly hi: number }[]
  /** Guardrails whose suppression runs, and those that a role has opened. */
  readonly running: readonly string[]
  readonly overridden: readonly string[]
  readonly lawful: boolean
  /** Rules with a window that is closed then. */
  readonly notInEffect: readonly string[]
  /** `leaves`: it leaves. `unsaid`: it may leave, but its record does not say which guardrail was opened. */
  readonly what: 'leaves' | 'unsaid'
}

export type TargetProof = {
  readonly target: Target
  readonly premises: readonly Premise[]
  readonly cases: number
  /** Cases in which the premise held, and cases in which the offer left. */
  readonly forbidden: number
  readonly open: number
}

export type GateProof = {
  /** `too_large`: some premise has more cases than are looked at, so nothing is proven. */
  readonly verdict: 'proven' | 'refuted' | 'too_large'
  readonly cases: number
  readonly forbidden: number
  readonly open: number
  readonly targets: readonly TargetProof[]
  readonly counterexamples: readonly Counterexample[]
  /** Why it is not complete, a sentence each; empty: every case there can be is like one that was looked at. */
  readonly gaps: readonly string[]
  /** What has too many cases, a sentence each. */
  readonly tooLarge: readonly string[]
}

export type ProofLimits = {
  /** Most cases of one premise on one target. */
  readonly premiseCasesMax: number
  /** Most cases in all. */
  readonly casesMax: number
}

/** A second or two of looking; above it the pack should rather be made simpler. */
export const proofLimits: ProofLimits = { premiseCasesMax: 200_000, casesMax: 5_000_000 }
/** Counterexamples that are worked out: the first of each premise, up to so many. */
const shownMax = 10

/** Told how far a proof is: so many of all kinds of offers on placements. */
export type OnProof = (done: number, all: number) => void

/** Proves a pack. Pure but for telling how far it is; the tables are the funnel's own for this pack. */
export function proveGate(
  pack: CompiledPack,
  limits: ProofLimits = proofLimits,
  tables: FunnelTables = createTables(pack),
  onProof: OnProof = () => {},
): GateProof {
  const texts = ruleTexts(pack.loaded.model)
  const prover = new Prover(pack, tables, texts, limits)
  const targets = targetsOf(pack, tables, texts).map((target, i, all) => {
    onProof(i, all.length)
    return prover.target(target)
  })
  const sum = (of: (one: TargetProof) => number) => targets.reduce((total, one) => total + of(one), 0)
  const { counterexamples, tooLarge } = prover
  return {
    verdict: counterexamples.length > 0 ? 'refuted' : tooLarge.size > 0 ? 'too_large' : 'proven',
    cases: sum((one) => one.cases),
    forbidden: sum((one) => one.forbidden),
    open: sum((one) => one.open),
    targets,
    counterexamples,
    gaps: [...prover.gaps].sort(),
    tooLarge: [...tooLarge].sort(),
  }
}

class Prover {
  readonly counterexamples: Counterexample[] = []
  readonly gaps = new Set<string>()
  readonly tooLarge = new Set<string>()
  readonly #pack: CompiledPack
  readonly #texts: RuleTexts
  readonly #limits: ProofLimits
  readonly #lo: Float64Array
  readonly #hi: Float64Array
  /** Keys of suppressions and overrides in force. */
  readonly #inForce = new Set<number>()
  /** Windows that are open; every other one is closed. */
  readonly #inEffect = new Set<EffectiveModel>()
  readonly #view: GateView & { lawful: boolean; placement: GateView['placement'] }
  readonly #opened: Opened = { guardrails: [], by: 'nobody' }
  #cases = 0

  constructor(pack: CompiledPack, tables: FunnelTables, texts: RuleTexts, limits: ProofLimits) {
    this.#pack = pack
    this.#texts = texts
    this.#limits = limits
    this.#lo = new Float64Array(pack.layout.variables)
    this.#hi = new Float64Array(pack.layout.variables)
    this.#view = {
      pack,
      tables,
      states: this.#states(),
      gateLo: new Float64Array(pack.layout.variables).fill(Number.NEGATIVE_INFINITY),
      gateHi: new Float64Array(pack.layout.variables).fill(Number.POSITIVE_INFINITY),
      slot: 0,
      placement: nowhere,
      event: null,
      lawful: true,
      usableFor: everyPurpose,
      now: 1,
      asOf: 1,
      isInEffect: (window) => window === null || this.#inEffect.has(window.model),
    }
  }

  target(target: Target): TargetProof {
    const premises = premisesOf(this.#pack.loaded.model, this.#texts, target)
    const counts = { cases: 0, forbidden: 0, open: 0 }
    for (const premise of premises) {
      const enumeration = enumerationOf(this.#pack, this.#texts, target, premise)
      this.#noteGaps(enumeration, target)
      if (this.#isTooLarge(enumeration, target, premise)) continue
      this.#cases += enumeration.size
      this.#enumerate(target, premise, enumeration, counts)
    }
    return { target, premises, ...counts }
  }

  #enumerate(
    target: Target,
    premise: Premise,
    enumeration: Enumeration,
    counts: { cases: number; forbidden: number; open: number },
  ): void {
    const { domains, suppressions, overrides, windows } = enumeration
    const judge = this.#judge(target, premise, enumeration)
    this.#lo.fill(Number.NEGATIVE_INFINITY)
    this.#hi.fill(Number.POSITIVE_INFINITY)
    for (const [variable, value] of enumeration.others) {
      this.#lo[variable] = value
      this.#hi[variable] = value
    }
    let found: Counterexample | null = null
    const ways = 2 ** windows.length
    const sizes = [...domains.map(({ values }) => values.length), suppressions.length, overrides.length, ways]
    eachCombination(sizes, (at) => {
      writeFrame(domains, at, this.#lo, this.#hi)
      const runs = suppressions[at[domains.length]!] === true
      const opens = overrides[at[domains.length + 1]!] ?? 'none'
      this.#openWindows(windows, at[domains.length + 2]!)
      this.#putInForce(premise, enumeration, runs, opens)
      const { forbids, holds } = judge(at, runs, opens)
      const leaves = this.#leaves(target, premise)
      counts.cases++
      if (forbids) counts.forbidden++
      if (leaves) counts.open++
      if (!leaves || found?.what === 'leaves') return true
      const what = forbids ? 'leaves' : holds && this.#isUnsaid(premise) ? 'unsaid' : null
      // The first one, but what leaves is worse than what is not said.
      if (what === 'leaves' || (what === 'unsaid' && found === null))
        found = this.#counterexample(target, premise, enumeration, { runs, what })
      return true
    })
    if (found !== null) this.#keep(found)
  }

  /** What the rules say of a case: whether the premise holds, and whether it forbids. */
  #judge(
    target: Target,
    premise: Premise,
    { givers, domains }: Enumeration,
  ): (at: Int32Array, runs: boolean, opens: Overrides) => { readonly forbids: boolean; readonly holds: boolean } {
    const variables = this.#texts.variables.length
    const answers = (rule: Pick<GuardrailText, 'tree' | 'reads'>) =>
      new Answers(rule.tree, rule.reads, domains, variables)
    const allows = target.allows.map(answers)
    const conditions = givers.map((giver) => (giver.tree === null ? null : answers(giver)))
    const grade = target.offers[0].model.riskGrade ?? 0
    // A role that a guardrail names may cross a red line for one customer; an allow of the pack may not for all.
    const mayAllow = premise.kind === 'guardrail' && !premise.redLine
    return (at, runs, opens) => {
      if (premise.kind === 'unlawful' || premise.kind === 'free') return sameOf(premise.kind === 'unlawful')
      if (premise.kind === 'suitability') return sameOf(grade > this.#allowed())
      const lawful = this.#lo[this.#pack.lawfulVariable] === 1
      const allowed =
        mayAllow &&
        allows.some((allow, i): boolean => this.#holdsNow(target.allows[i]?.model) && allow.at(at) === 'certainly')
      let holds = false
      let forbids = !lawful
      for (const [i, giver] of givers.entries()) {
        if (!this.#holdsNow(giver.model)) continue
        const answer: Answer = conditions[i]?.at(at) ?? 'never'
        const isHeld = premise.kind === 'red_line_event' || runs || answer !== 'never'
        if (!isHeld) continue
        holds = true
        const opened = giver.model.override !== 'never' && (allowed || opens === 'own' || opens === 'all')
        if (!opened) forbids = true
      }
      return { forbids, holds }
    }
  }

  /** Highest grade of a product that may be sold, by the table as it is written; for an unknown grade the least of all. */
  #allowed(): number {
    const { suitability, attributes } = this.#pack.loaded.model
    const grade = gradeVariable(this.#pack)
    const lo = this.#lo[grade]!
    if (lo !== this.#hi[grade]) return Math.min(suitability.whenUnknown, ...Object.values(suitability.allows))
    return suitability.allows[attributes[grade]?.values[lo] ?? ''] ?? 0
  }

  /** Opens the windows of which the number has the bit. */
  #openWindows(windows: Enumeration['windows'], number: number): void {
    this.#inEffect.clear()
    for (const [i, models] of windows.entries()) {
      if ((number & (1 << i)) !== 0) for (const model of models) this.#inEffect.add(model)
    }
  }

  #holdsNow(rule: { readonly effective?: EffectiveModel | undefined } | undefined): boolean {
    return rule?.effective === undefined || this.#inEffect.has(rule.effective)
  }

  #putInForce(premise: Premise, { givers }: Enumeration, runs: boolean, opens: Overrides): void {
    this.#inForce.clear()
    const { guardrails } = this.#pack
    for (const { index } of givers) {
      if (runs || premise.kind === 'red_line_event') this.#inForce.add(guardrails[index]?.key ?? 0)
    }
    if (opens === 'none') return
    const own = new Set(givers.map(({ index }) => index))
    for (const { index, override } of guardrails) {
      if (override === null) continue
      if (own.has(index) ? opens !== 'others' : opens !== 'own') this.#inForce.add(override.key)
    }
  }

  #leaves(target: Target, premise: Premise): boolean {
    const view = this.#view
    view.placement = target.placement
    view.lawful = premise.kind !== 'unlawful' && this.#lo[this.#pack.lawfulVariable] === 1
    return stoppedBy(view, target.offers[0], this.#opened) === null
  }

  #isUnsaid(premise: Premise): boolean {
    return premise.kind === 'guardrail' && !this.#opened.guardrails.includes(premise.guardrail.model.id)
  }

  #keep(found: Counterexample): void {
    if (this.counterexamples.length < shownMax) {
      this.counterexamples.push(found)
      return
    }
    const lesser = this.counterexamples.findLastIndex(({ what }) => what === 'unsaid')
    if (lesser >= 0 && found.what === 'leaves') this.counterexamples[lesser] = found
  }

  /** The case at hand as a counterexample. */
  #counterexample(
    target: Target,
    premise: Premise,
    { givers, domains, others }: Enumeration,
    found: { readonly runs: boolean; readonly what: Counterexample['what'] },
  ): Counterexample {
    const overridden = [...this.#pack.overridable.values()].filter(({ override }) =>
      this.#inForce.has(override?.key ?? -1),
    )
    return {
      target,
      premise,
      values: [...new Set([...domains.map(({ variable }) => variable.index), ...others.keys()])].map((variable) => ({
        variable,
        lo: this.#lo[variable]!,
        hi: this.#hi[variable]!,
      })),
      running: found.runs || premise.kind === 'red_line_event' ? givers.map(({ model }) => model.id) : [],
      overridden: overridden.map(({ id }) => id),
      lawful: this.#view.lawful,
      notInEffect: [...target.guardrails, ...target.allows].flatMap(({ model }) =>
        this.#holdsNow(model) ? [] : [model.id],
      ),
      what: found.what,
    }
  }

  #noteGaps({ domains, neverOpen }: Enumeration, target: Target): void {
    for (const { variable, exact } of domains) {
      if (exact) continue
      const how =
        'is read otherwise than in comparisons with constants: it was tried at these and one unit to either side.'
      this.gaps.add(`${variable.name} ${how}`)
    }
    if (neverOpen.length === 0) return
    const ids = neverOpen.map(({ model }) => model.id).join(', ')
    const offers = target.offers.map(({ id }) => id)
    this.gaps.add(
      `${ids}: no customer was found for whom it is open, so nothing can be seen of ${offers[0]} behind it.`,
    )
  }

  #isTooLarge({ size, domains }: Enumeration, target: Target, premise: Premise): boolean {
    const { premiseCasesMax, casesMax } = this.#limits
    if (size <= premiseCasesMax && this.#cases + size <= casesMax) return false
    const read = domains.map(({ variable }) => variable.name).join(', ')
    const where = `${target.offers[0].id} on ${target.placement.id}, ${premise.reason}`
    this.tooLarge.add(
      size > premiseCasesMax
        ? `${where}: ${size} cases of ${read}, at most ${premiseCasesMax} are looked at. Split the guardrails that read them together.`
        : `${where}: more than ${casesMax} cases in all. Give guardrails fewer constants, or the pack fewer placements and classes.`,
    )
    return true
  }

  #states(): GateView['states'] {
    return {
      evaluate: (_slot, _asOf, _now, reads, lo, hi) => {
        for (const index of reads) {
          lo[index] = this.#lo[index]!
          hi[index] = this.#hi[index]!
        }
      },
      suppressedUntil: (_slot, key) => (this.#inForce.has(key) ? 2 : 0),
    }
  }
}

function sameOf(one: boolean): { readonly forbids: boolean; readonly holds: boolean } {
  return { forbids: one, holds: one }
}
