/** Tables that must leave no value out: risk grades, ladders of offers; and caps that contradict each other. */
import { anyTree } from '../cel/elaborate.ts'
import { type BoolTree, type NumberTree, partsOf } from '../cel/expression.ts'
import { sameWindow } from '../effective.ts'
import type { BandsModel } from '../model.ts'
import { coversContacts } from '../scope.ts'
import type { Checking, CompiledConditions, Spot } from './checking.ts'
import { covers } from './conflicts.ts'

export function checkLadders(checking: Checking, conditions: CompiledConditions): void {
  checkGrades(checking)
  for (const [i, bands] of checking.model.bands.entries()) checkBands(checking, conditions, bands, i)
  checkCaps(checking)
}

function checkGrades({ model, refuse }: Checking): void {
  const { attribute: id, allows, whenUnknown } = model.suitability
  const spot = (...keys: string[]): Spot => ({
    file: 'arbitration.yaml',
    path: ['suitability', ...keys],
    rule: 'suitability',
  })
  const attribute = model.attributes.find((candidate) => candidate.id === id)
  if (attribute === undefined || attribute.type !== 'enum') {
    const message = `There is no attribute "${id}" of type enum in profile.yaml. Name the one that holds the risk grade.`
    refuse('attribute_unknown', spot('attribute'), message)
    return
  }
  const missing = attribute.values.filter((value) => allows[value] === undefined)
  if (missing.length > 0) {
    const message = `The table says nothing about the grade ${missing.join(', ')}. Give each value its highest product grade.`
    refuse('grade_gap', spot('allows'), message)
  }
  for (const value of Object.keys(allows)) {
    if (attribute.values.includes(value)) continue
    refuse('value_unexpected', spot('allows', value), `"${value}" is no value of "${id}". Take it away or correct it.`)
  }
  const lowest = Math.min(...Object.values(allows))
  if (whenUnknown > lowest) {
    const message = `An unknown grade may not allow more than the most careful one does (R${lowest}). Lower "whenUnknown".`
    refuse('guardrail_bypass', spot('whenUnknown'), message)
  }
}

/**
 * At each value where something can change (every constant of the conditions, and one to either side) exactly one offer
 * of the ladder may be eligible, all other things being open.
 */
function checkBands(checking: Checking, conditions: CompiledConditions, bands: BandsModel, i: number): void {
  const { model, variables, refuse } = checking
  const spot = (key: string): Spot => ({ file: 'offers.yaml', path: ['bands', i, key], rule: bands.id })
  const variable = variables.find((candidate) => candidate.name === bands.of)
  if (variable === undefined || variable.type === 'enum' || variable.type === 'bool') {
    refuse('attribute_unknown', spot('of'), `"${bands.of}" is no number of the pack. Name an attribute or a feature.`)
    return
  }
  if (bands.to !== null && bands.to <= bands.from) {
    refuse('value_invalid', spot('to'), 'The ladder ends where it begins, or before. Raise "to".')
    return
  }
  const positions = bands.offers.map((id) => model.offers.findIndex((offer) => offer.id === id))
  const sources = positions.map((position) => model.offers[position]?.eligible ?? null)
  if (positions.some((p, n) => p < 0 || (sources[n] !== null && conditions.eligible[p] === null))) return
  const lo = new Float64Array(variables.length).fill(Number.NEGATIVE_INFINITY)
  const hi = new Float64Array(variables.length).fill(Number.POSITIVE_INFINITY)
  const step = variable.type === 'double' ? 1e-6 : 1
  for (const value of testValues(checking, sources, bands, step)) {
    lo[variable.index] = value
    hi[variable.index] = value
    const held = bands.offers.filter((_, n) => conditions.eligible[positions[n] ?? -1]?.may(lo, hi, null) ?? true)
    const shown = variable.type === 'money' ? (value / 100).toFixed(2) : String(value)
    if (held.length === 0) {
      const message = `There is a gap: at ${bands.of} = ${shown} none of the offers is eligible. Move an edge.`
      refuse('band_gap', spot('offers'), message, { counterexample: `${bands.of} = ${shown}` })
      return
    }
    if (held.length > 1) {
      const message = `At ${bands.of} = ${shown} several offers are eligible: ${held.join(', ')}. Move an edge.`
      refuse('band_overlap', spot('offers'), message, { counterexample: `${bands.of} = ${shown}` })
      return
    }
  }
}

function testValues(
  { plain }: Checking,
  sources: readonly (string | null)[],
  bands: BandsModel,
  step: number,
): readonly number[] {
  const values = new Set([bands.from])
  for (const source of sources) {
    const tree = source === null ? null : anyTree(source, plain)
    if (tree?.kind !== 'ok') continue
    for (const constant of constantsOf(tree.value)) for (const d of [-step, 0, step]) values.add(constant + d)
  }
  const to = bands.to
  if (to === null) values.add(Math.max(...values) + step)
  else values.add(to - step)
  return [...values].filter((value) => value >= bands.from && (to === null || value < to)).sort((a, b) => a - b)
}

function constantsOf(tree: BoolTree | NumberTree): readonly number[] {
  switch (tree.kind) {
    case 'number':
      return [tree.value]
    case 'arithmetic':
      return [...constantsOf(tree.left), ...constantsOf(tree.right)]
    case 'chooseNumber':
      return [tree.test, tree.yes, tree.no].flatMap(constantsOf)
    case 'numberIn':
      return tree.values
    case 'variable':
    case 'eventNumber':
    case 'eventSize':
      return []
    default: {
      const { bools, numbers } = partsOf(tree)
      return [...bools, ...numbers].flatMap(constantsOf)
    }
  }
}

/** Two caps with one scope and one period contradict; a cap that a stricter, wider and longer one implies never binds. */
function checkCaps({ model, refuse }: Checking): void {
  for (const [i, cap] of model.caps.entries()) {
    const spot: Spot = { file: 'contact.yaml', path: ['caps', i, 'id'], rule: cap.id }
    for (const [j, other] of model.caps.entries()) {
      if (i === j || !covers(other, cap) || !coversContacts(other.applies, cap.applies, model.categories)) continue
      const same = coversContacts(cap.applies, other.applies, model.categories)
      if (same && other.perMs === cap.perMs && sameWindow(other.effective, cap.effective)) {
        if (j > i) continue
        const message = `"${other.id}" limits the same contacts over the same time to ${other.limit}, this one to ${cap.limit}.`
        refuse('rule_misfit', spot, `${message} Keep one of them.`, { counterexample: other.id })
      } else if (
        stopsSame(other.applies.classes, cap.applies.classes) &&
        other.limit <= cap.limit &&
        other.perMs >= cap.perMs
      ) {
        const message = `The cap never binds: "${other.id}" holds the same contacts and more, and is at least as strict.`
        refuse('rule_shadowed', spot, `${message} Take this one away or lower its limit.`, { counterexample: other.id })
      }
    }
  }
}

/** Service messages are stopped only by caps that name their class, so `all` is weaker there than a list. */
function stopsSame(outer: 'all' | readonly string[], inner: 'all' | readonly string[]): boolean {
  return outer !== 'all' || inner === 'all' || !inner.includes('service')
}
