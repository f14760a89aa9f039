/** A counterexample in words: who the customer is, what leaves, and what should have stopped it. */
import type { CompiledPack } from '../../rules/compiled.ts'
import { valueWords } from '../explain/value-words.ts'
import type { Premise } from './premises.ts'
import type { Counterexample } from './prove-gate.ts'

/** Some sentences for a person who can change the pack. */
export function counterexampleWords(pack: CompiledPack, found: Counterexample): string {
  const { target, premise } = found
  const { category, class: messageClass } = target.offers[0].model
  const [first, ...more] = target.offers.map(({ id }) => id)
  const others = more.length === 0 ? '' : ` (as do ${more.length} more of its kind)`
  const said =
    found.what === 'unsaid'
      ? 'leaves without its record saying which guardrail was opened'
      : 'leaves although it must not'
  const open = target.guardrails.map(({ model }) => model.id)
  return [
    `${first}${others}, ${messageClass} of the category ${category}, ${said}: on ${target.placement.id} (${target.placement.channel}).`,
    `Customer: ${customerWords(pack, found)}.`,
    `Why it must not: ${premiseWords(premise)}.`,
    `Not stopped by ${open.length === 0 ? 'any guardrail: none holds it there' : open.join(', ')}.`,
  ].join(' ')
}

function customerWords(
  pack: CompiledPack,
  { values, running, overridden, lawful, notInEffect }: Counterexample,
): string {
  const { model } = pack.loaded
  const wording = { language: 'en', currency: model.currency, zone: model.zone } as const
  const known = values
    .filter(({ variable }) => variable !== pack.lawfulVariable)
    .map(({ variable, lo, hi }) => {
      const { name, type, values: names } = pack.variables[variable] ?? { name: '', type: 'double', values: [] }
      return `${name} ${valueWords({ lo, hi }, isValueType(type) ? type : 'double', names, wording)}`
    })
  return [
    ...known,
    ...(running.length === 0 ? [] : [`suppression running: ${running.join(', ')}`]),
    ...(overridden.length === 0 ? [] : [`opened by a role: ${overridden.join(', ')}`]),
    ...(notInEffect.length === 0 ? [] : [`at an instant at which these are not in effect: ${notInEffect.join(', ')}`]),
    ...(lawful ? [] : ['the data come from a source that may not be used']),
    ...(known.length + running.length + overridden.length === 0 && lawful ? ['anybody'] : []),
  ].join('; ')
}

function premiseWords(premise: Premise): string {
  switch (premise.kind) {
    case 'guardrail':
      return (
        `the guardrail ${premise.guardrail.model.id} (${premise.reason}) holds, or may` +
        (premise.redLine ? ', and the category is guarded by that reason: no allow opens it' : '')
      )
    case 'red_line':
      return (
        `the category is guarded by ${premise.reason}, which holds, or may, by ${premise.guardrail.model.id}; ` +
        'widen that guardrail to the category, or give it a reason of its own'
      )
    case 'red_line_event': {
      const ids = premise.guardrails.map(({ model }) => model.id).join(', ')
      return (
        `the category is guarded by ${premise.reason}, and an event has just set ${ids}; ` +
        'widen one of these guardrails to the category, or give them a reason of their own'
      )
    }
    case 'suitability':
      return 'its risk grade is above what the customer may buy'
    case 'unlawful':
      return 'it rests on data from a source that may not be used'
    case 'free':
      return 'nothing forbids it'
    default:
      return premise satisfies never
  }
}

const valueTypes = ['int', 'double', 'money', 'bool', 'enum', 'instant', 'duration', 'ratio'] as const

function isValueType(type: string): type is (typeof valueTypes)[number] {
  return valueTypes.some((one) => one === type)
}
