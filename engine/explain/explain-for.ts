/** A decision in words for somebody: staff get all of it, a customer and a relationship manager what may be told them. */
import {
  type Audience,
  type DisclosureKind,
  disclosureKinds,
  disclosures,
  neutralText,
} from '../../rules/disclosures.ts'
import { type Language, tellReason } from '../../rules/explain-texts.ts'
import type { LoadedPack, Model, OfferModel } from '../../rules/model.ts'
import { isReasonCode, type ReasonCode } from '../../rules/reasons.ts'
import type { Decision, Fate } from '../../sinks/decision.ts'
import { clockWords, customerZone } from './customer-clock.ts'
import { explainDecision, possibleAgainWords } from './explain-decision.ts'

/**
 * A decision in words, one line a fact, for an audience. Only staff read causes, rules, scores, values and the pack. A customer reads
 * what was shown and that other things were not available; whatever is inferred of them has the one neutral sentence, or the offer's
 * own (`unavailable`), and no instant that would tell a rule by its length. A relationship manager reads what to do, and may be told
 * an instant where it is about how often the customer is contacted.
 *
 * @param pack as in `explainDecision`; without it offers have no names, since ids are not meant for customers
 */
export function explainFor(
  audience: Audience,
  decision: Decision,
  pack: LoadedPack | null,
  language: Language,
): readonly string[] {
  if (audience === 'staff') return explainDecision(decision, pack, language)
  const model = pack?.model ?? null
  const say = phrases[language]
  const told = decision.offers.map(({ offer }) => titleIn(model, offer, language))
  const refused = decision.fates.filter(({ stage }) => stage !== 'offered')
  return [
    say.lookedAt(clockWords(decision.eventTime, customerZone(decision, model))),
    ...(told.length > 0 ? [say.shown(told.join(say.comma))] : []),
    ...(decision.outcome === 'offered' ? [] : [sentence(decision.reason, audience, language, {})]),
    ...new Set(refused.map((fate) => `- ${refusalWords(audience, decision, fate, model, language)}`)),
    say.reference(decision.id),
  ]
}

function refusalWords(
  audience: 'customer' | 'manager',
  decision: Decision,
  fate: Fate,
  model: Model | null,
  language: Language,
): string {
  const offer = model?.offers.find(({ id }) => id === fate.offer)
  const own = audience === 'customer' && isNeutral(fate.reason) ? offer?.unavailable : undefined
  if (own !== undefined) return own[language]
  const values = {
    ...(offer === undefined ? {} : { offer: offer.title[language] }),
    ...(audience === 'manager' ? { placement: decision.placement } : {}),
  }
  const words = sentence(fate.reason, audience, language, values)
  if (kindOf(fate.reason) !== 'timing' || fate.possibleAt === 0) return words
  return `${words} ${possibleAgainWords(decision, fate, model, language)}`
}

/** Whether a customer is told of it by the neutral sentence; a code of another release is. */
function isNeutral(code: string): boolean {
  const { customer } = disclosures[kindOf(code)]
  return customer === neutralText
}

function kindOf(code: string): DisclosureKind {
  return isReasonCode(code) ? disclosureKinds[code] : 'withheld'
}

function sentence(
  code: string,
  audience: 'customer' | 'manager',
  language: Language,
  values: { readonly offer?: string; readonly placement?: string },
): string {
  const known: ReasonCode = isReasonCode(code) ? code : 'bank_policy'
  return tellReason(known, audience, language, values)
}

function titleIn(model: Model | null, id: string, language: Language): string {
  const offer: OfferModel | undefined = model?.offers.find((one) => one.id === id)
  return offer?.title[language] ?? phrases[language].anOffer
}

const phrases = {
  en: {
    lookedAt: (at: string) => `On ${at} we looked at what to offer.`,
    shown: (titles: string) => `Shown or sent: ${titles}.`,
    anOffer: 'an offer that is not kept any more',
    reference: (id: string) => `Reference for questions: ${id}.`,
    comma: ', ',
  },
  zh: {
    lookedAt: (at: string) => `${at}，我们查看了可以提供的内容。`,
    shown: (titles: string) => `已展示或发送：${titles}。`,
    anOffer: '已不再保存的产品',
    reference: (id: string) => `查询编号：${id}。`,
    comma: '、',
  },
} as const
