/** Marketing that no data can open: what a rule reads comes from sources alone whose data may not be used for marketing. */
import { alternativesOf, type Constraints } from '../cel/analyse.ts'
import { type Domain, everyNumber, isWithin } from '../cel/domain.ts'
import type { FeatureModel, SourceModel } from '../model.ts'
import type { Vocabulary } from '../vocabulary.ts'
import { type Checking, oneOf, type Spot } from './checking.ts'

/** What is never known to marketing. */
type Closed = {
  readonly name: string
  /** The types of events that it is made of. */
  readonly events: readonly string[]
  /** What it may be when there were none: all of it has to make a condition true. */
  readonly empty: Domain
}

/**
 * Sources say what they send (`sends`); one that does not may send anything. A rule is told of when marketing can never come of it: its events
 * come from sources alone that lack the purpose, or each of its alternatives asks something of a value that only such events make known.
 *
 * @param nowMs a source whose agreement is over by then counts as one without the purpose; null: none is
 */
export function checkPurposes(checking: Checking, nowMs: number | null): void {
  const { model, plain, on, warn } = checking
  const sends = sendersWithoutMarketing(model.sources, nowMs)
  const closed = closedVariables(checking, sends)
  const told = (spot: Spot, what: string, events: readonly string[]): void => {
    const senders = [...new Set(events.flatMap(sends))]
    const ending = `${oneOf(senders)}: their data may not be used for marketing. Give one of them the purpose, or take the rule away.`
    warn('purpose_missing', spot, `${what} comes only from ${ending}`, { counterexample: senders.join(', ') })
  }
  const marketing = new Set(model.offers.filter((offer) => offer.class === 'marketing').map(({ id }) => id))
  for (const [i, { id, eligible }] of model.offers.entries()) {
    const by = marketing.has(id) ? blockedBy(eligible, plain, closed) : null
    if (by === null) continue
    const spot: Spot = { file: 'offers.yaml', path: ['offers', i, 'eligible'], rule: id }
    told(spot, `Nobody can be eligible: what "${by.name}" is made of`, by.events)
  }
  for (const [i, trigger] of model.triggers.entries()) {
    if (!trigger.offers.every((offer) => marketing.has(offer))) continue
    const spot = (key: string): Spot => ({ file: 'triggers.yaml', path: ['triggers', i, key], rule: trigger.id })
    if (sends(trigger.on).length > 0) {
      told(spot('on'), `Nothing comes of the trigger: its event "${trigger.on}"`, [trigger.on])
      continue
    }
    const by = blockedBy(trigger.when, on(trigger.on), closed)
    if (by !== null) told(spot('when'), `The trigger never fires: what "${by.name}" is made of`, by.events)
  }
}

/** The sources of a type of event when none of them may be used for marketing; none: one may, or no source says that it sends it. */
function sendersWithoutMarketing(
  sources: readonly SourceModel[],
  nowMs: number | null,
): (event: string) => readonly string[] {
  const isUsable = ({ lawfulBasis, purposes, authorisation }: SourceModel): boolean =>
    lawfulBasis !== 'none' &&
    purposes.includes('marketing') &&
    (nowMs === null || authorisation === null || nowMs < authorisation.untilMs)
  return (event) => {
    const senders = sources.filter((source) => source.sends === undefined || source.sends.includes(event))
    return senders.some(isUsable) ? [] : senders.map(({ id }) => id)
  }
}

function closedVariables(
  { model, variables }: Checking,
  sends: (event: string) => readonly string[],
): ReadonlyMap<string, Closed> {
  const isClosed = ({ events }: Closed): boolean => events.every((event) => sends(event).length > 0)
  const valuesOf = (name: string): Domain => {
    const variable = variables.find((one) => one.name === name)
    if (variable?.type === 'bool') return points([0, 1])
    return variable?.type === 'enum' ? points([...variable.values.keys()]) : everyNumber
  }
  const attributes = model.attributes.map(({ id, setBy }): Closed => {
    const name = `profile.${id}`
    return { name, events: [...new Set(setBy.map(({ event }) => event))], empty: valuesOf(name) }
  })
  const features = model.features.map((feature): Closed => {
    return { name: feature.id, events: [feature.event], empty: emptyOf(feature) ?? valuesOf(feature.id) }
  })
  return new Map([...attributes, ...features].filter(isClosed).map((one) => [one.name, one]))
}

/** Without any events a count is known to be nothing, which opens what asks for nothing. Null: it is unknown then too. */
function emptyOf({ kind }: FeatureModel): Domain | null {
  if (kind === 'count' || kind === 'sum' || kind === 'distinct') return points([0])
  // Never is longer ago than any condition says.
  return kind === 'time_since' ? points([Number.MAX_VALUE]) : null
}

/** The first value that keeps a condition from being true for certain; null: none does, or that is not known. */
function blockedBy(
  condition: string | null,
  vocabulary: Vocabulary,
  closed: ReadonlyMap<string, Closed>,
): Closed | null {
  if (condition === null || closed.size === 0) return null
  const ways = alternativesOf(condition, vocabulary)
  const blocks = ways?.map((way) => blockOf(way, closed)) ?? []
  return blocks.includes(null) ? null : (blocks[0] ?? null)
}

function blockOf(way: Constraints, closed: ReadonlyMap<string, Closed>): Closed | null {
  for (const [name, domain] of way) {
    const one = closed.get(name)
    if (one !== undefined && !isWithin(one.empty, domain)) return one
  }
  return null
}

function points(values: readonly number[]): Domain {
  const ranges = values.map((value) => ({ low: value, high: value, lowOpen: false, highOpen: false }))
  return { kind: 'numbers', ranges }
}
