/** Every candidate of a decision in a line: how far it came, and the values that decided. */
import type { CompiledPack } from '../../rules/compiled.ts'
import type { Decision, Fate } from '../../sinks/decision.ts'
import { featureWords } from '../explain/explain-decision.ts'
import { instantWords, numberWords } from '../explain/value-words.ts'

/** Most candidates of a step that are told. */
export const candidatesMax = 30
/** Most values of a candidate that are told. */
const valuesMax = 6

/** The candidates of some decisions, those that came furthest last, as the funnel has them: `fx_wallet: contact, cap_reached, fx-offer-week; ...`. */
export function candidateLines(pack: CompiledPack, decisions: readonly Decision[]): readonly string[] {
  const lines = decisions.flatMap((decision) => {
    const told = decision.fates.map((fate) => `${fate.offer}: ${candidateWords(pack, decision, fate)}`)
    return told.length === 0 ? [] : [`Candidates for ${decision.placement}:`, ...told.map((line) => `- ${line}`)]
  })
  if (lines.length <= candidatesMax) return lines
  return [...lines.slice(0, candidatesMax), `and ${lines.length - candidatesMax} more`]
}

/** Stage, reason and rule of a candidate, then what decided. */
export function candidateWords(pack: CompiledPack, decision: Decision, fate: Fate): string {
  const codes = [fate.stage, fate.reason, ...(fate.rule === null ? [] : [fate.rule])]
  const code = fate.stage === 'offered' && fate.reason === 'offered' ? 'offered' : codes.join(', ')
  return [code, ...deciding(pack, decision, fate)].join('; ')
}

function deciding(pack: CompiledPack, decision: Decision, fate: Fate): readonly string[] {
  const { model } = pack.loaded
  const offer = pack.offers.find(({ id }) => id === fate.offer)
  const until = fate.possibleAt === 0 ? [] : [`until ${instantWords(fate.possibleAt, model.zone)}`]
  switch (fate.stage) {
    case 'trigger': {
      const trigger = pack.triggers.find(({ id }) => id === fate.trigger)
      return trigger === undefined ? [] : [`trigger ${trigger.id}`]
    }
    case 'eligibility':
      return values(pack, decision, offer?.eligible?.reads ?? [])
    case 'suitability': {
      const grade = pack.variables.findIndex(({ name }) => name === `profile.${model.suitability.attribute}`)
      return [`R${offer?.model.riskGrade ?? ''}`, ...values(pack, decision, [grade])]
    }
    case 'guardrail':
    case 'final_gate': {
      const guardrail = pack.guardrails.find(({ id }) => id === fate.rule)
      return [...values(pack, decision, guardrail?.condition?.reads ?? []), ...until]
    }
    case 'contact':
      return until
    case 'stock':
      return [
        ...decision.stock
          .filter(({ offer: asking }) => asking === fate.offer)
          .map(({ resource, amount, left }) => `takes ${amount} of ${left ?? 'unknown'} ${resource}`),
        ...until,
      ]
    default:
      return fate.score === 0 ? [] : [scoreWords(fate)]
  }
}

function scoreWords({ score, propensity, context, value, lever }: Fate): string {
  return `score ${numberWords(score)} = ${[propensity, context, value, lever].map(numberWords).join(' x ')}`
}

function values(pack: CompiledPack, decision: Decision, reads: readonly number[]): readonly string[] {
  const { model } = pack.loaded
  const names = new Set(reads.map((variable) => pack.variables[variable]?.name))
  const wording = { language: 'en', currency: model.currency, zone: model.zone } as const
  const known = decision.features.filter(({ name }) => names.has(name))
  return known.slice(0, valuesMax).map((feature) => featureWords(feature, model, wording))
}
