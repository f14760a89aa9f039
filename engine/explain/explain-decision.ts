import { explainReason, type Language, type ReasonValues } from '../../rules/explain-texts.ts'
import type { LoadedPack, Model, OfferModel } from '../../rules/model.ts'
import { isReasonCode } from '../../rules/reasons.ts'
import { type Decision, type Fate, type FeatureUsed, released } from '../../sinks/decision.ts'
import { clockWords, customerZone } from './customer-clock.ts'
import { nearestWords, nothingOf } from './nearest-words.ts'
import { originLines } from './origin-words.ts'
import { priceLines } from './price-lines.ts'
import { durationWords, instantWords, numberWords, oneLine, valueWords, type Wording } from './value-words.ts'
import { variableWords } from './variable-words.ts'

/**
 * A decision in words for a business user, one line a fact: what happened or was asked, what was offered and why it
 * won, why each other candidate was not, what was known of the customer then, the pack and the times.
 *
 * @param pack the pack the decision was made with (same hash); null when it is no longer kept: then ids stand for
 *   titles and values are plain numbers
 */
export function explainDecision(decision: Decision, pack: LoadedPack | null, language: Language): string[] {
  const model = pack?.model ?? null
  const wording: Wording = { language, currency: model?.currency ?? '', zone: model?.zone ?? 'UTC' }
  const say = phrases[language]
  const offered = decision.fates.filter((fate) => fate.stage === 'offered')
  const others = decision.fates.filter((fate) => fate.stage !== 'offered')
  return [
    causeLine(decision, model, wording),
    ...outcomeLines(decision, offered, model, language),
    ...(decision.notAfter > 0 ? [say.validUntil(instantWords(decision.notAfter, wording.zone))] : []),
    ...priceLines(decision, model, language, (offer) => titleOf(model, offer, language)),
    ...claimLines(decision, model, language),
    ...(others.length > 0 ? [decision.recalls.length > 0 ? say.forbidden : say.others(others.length)] : []),
    ...others.map((fate) => {
      const words = [fateWords(decision, fate, model, language), ...nearestWords(decision, fate, model, language)]
      return `- ${words.join(say.gap)}`
    }),
    ...(decision.nothing > 0 && decision.recalls.length === 0 ? [say.nothingWorth(numberWords(decision.nothing))] : []),
    ...decision.holdouts
      .filter(({ group }) => group === 'held_out')
      .map(({ holdout, offer }) => say.heldOut(holdout, titleOf(model, offer, language))),
    ...(decision.features.length > 0 ? [say.known] : []),
    ...decision.features.map((feature) => `- ${featureWords(feature, model, wording)}`),
    ...originLines(decision, language),
    say.times(
      instantWords(decision.eventTime, wording.zone),
      instantWords(decision.acceptedAt, wording.zone),
      instantWords(decision.now, wording.zone),
      wording.zone,
    ),
    say.pack(model?.name ?? null, decision.packHash, decision.id),
  ]
}

/** What became of one candidate, in a sentence. */
export function fateWords(decision: Decision, fate: Fate, model: Model | null, language: Language): string {
  const sentence = isReasonCode(fate.reason)
    ? explainReason(fate.reason, language, reasonValues(decision, fate, model, language))
    : `${titleOf(model, fate.offer, language)}: ${fate.reason}`
  const say = phrases[language]
  const again = fate.possibleAt === 0 ? '' : ` ${possibleAgainWords(decision, fate, model, language)}`
  return `${sentence}${again}${fate.trigger === null ? '' : ` ${say.proposedBy(fate.trigger)}`}`
}

/** When time alone makes it possible again, by the customer's clock; to be asked of a fate that has an instant. */
export function possibleAgainWords(decision: Decision, fate: Fate, model: Model | null, language: Language): string {
  return phrases[language].possibleAgain(clockWords(fate.possibleAt, customerZone(decision, model)))
}

/** A feature with its value in units, what it measures and over which window. */
export function featureWords(feature: FeatureUsed, model: Model | null, wording: Wording): string {
  const say = phrases[wording.language]
  const variable = model === null ? null : variableWords(model, feature.name, wording.language)
  const value = valueWords(feature, variable?.type ?? 'double', variable?.values ?? [], wording)
  const about =
    variable === null ? '' : [variable.measure, variable.window].filter((part) => part !== '').join(say.comma)
  return `${feature.name}${about === '' ? '' : say.brackets(about)}${say.colon}${value}`
}

/** Title of an offer in the language; its id when the pack is gone. */
export function titleOf(model: Model | null, offer: string, language: Language): string {
  return offerOf(model, offer)?.title[language] ?? offer
}

/** What is kept for the customer of resources, and until when. */
function claimLines(decision: Decision, model: Model | null, language: Language): readonly string[] {
  const zone = customerZone(decision, model)
  return decision.stock.flatMap(({ resource, amount, left, claim, until }) => {
    if (claim === null) return []
    const what = model?.resources?.find(({ id }) => id === resource)?.text[language] ?? resource
    const before = left === null ? null : numberWords(left)
    return [phrases[language].claimed(numberWords(amount), what, before, clockWords(until, zone))]
  })
}

function causeLine(decision: Decision, model: Model | null, wording: Wording): string {
  const say = phrases[wording.language]
  const at = instantWords(decision.eventTime, wording.zone)
  const channel = decision.channel === '' ? '' : decision.channel
  if (decision.cause.kind === 'request')
    return say.asked(at, decision.customerId, decision.placement, channel, decision.cause.id)
  if (decision.cause.source === released.source && decision.cause.type === released.type)
    return say.released(at, decision.customerId, decision.placement, decision.cause.id)
  const source = model?.sources.some((known) => known.id === decision.cause.source) === false ? say.unlisted : ''
  const { type } = decision.cause
  const from = `${decision.cause.source}${source}`
  return decision.recalls.length > 0
    ? say.about(at, type, from, decision.customerId, decision.recalls.join(say.comma))
    : say.happened(at, type, from, decision.customerId, decision.placement)
}

function outcomeLines(
  decision: Decision,
  offered: readonly Fate[],
  model: Model | null,
  language: Language,
): readonly string[] {
  const say = phrases[language]
  if (decision.outcome === 'offered') {
    const lines = decision.reason === 'repeated_request' ? [answerWords(decision, model, language)] : []
    for (const item of decision.offers) {
      const fate = offered.find((candidate) => candidate.offer === item.offer)
      lines.push(say.offered(titleOf(model, item.offer, language), partsOf(offerOf(model, item.offer), language)))
      if (fate !== undefined) lines.push(whyWords(fate, offerOf(model, item.offer), language))
      if (fate !== undefined && fate.reason !== 'offered')
        lines.push(fateWords(decision, { ...fate, trigger: null }, model, language))
      if (fate?.trigger != null) lines.push(say.proposedBy(fate.trigger))
    }
    return lines
  }
  if (decision.recalls.length > 0) return [answerWords(decision, model, language)]
  if (decision.outcome === 'none') return [say.nothing, answerWords(decision, model, language)]
  const shown = decision.offers.map((item) => titleOf(model, item.offer, language)).join(say.comma)
  return [say.fallback(shown), answerWords(decision, model, language)]
}

function whyWords(fate: Fate, offer: OfferModel | undefined, language: Language): string {
  const [propensity, context, value, lever, score] = [
    fate.propensity,
    fate.context,
    fate.value,
    fate.lever,
    fate.score,
  ].map(numberWords)
  const terms = `${propensity} x ${context} x ${value} x ${lever}`
  const drawn = fate.learned === null ? '' : phrases[language].drawn(fate.learned)
  return `${phrases[language].why(offer === undefined ? '' : `${offer.class}, ${offer.priority}`, `${score}`, terms)}${drawn}`
}

function answerWords(decision: Decision, model: Model | null, language: Language): string {
  if (!isReasonCode(decision.reason)) return decision.reason
  const superseded = decision.fates.find((fate) => fate.stage === 'guardrail') ?? decision.fates[0]
  const offer = decision.reason === 'superseded' ? superseded?.offer : decision.offers[0]?.offer
  return explainReason(decision.reason, language, {
    placement: decision.placement,
    channel: decision.channel,
    ...(offer === undefined ? {} : { offer: titleOf(model, offer, language) }),
  })
}

function reasonValues(decision: Decision, fate: Fate, model: Model | null, language: Language): ReasonValues {
  const offer = offerOf(model, fate.offer)
  const common = {
    offer: titleOf(model, fate.offer, language),
    channel: decision.channel,
    placement: decision.placement,
    event: decision.cause.type,
    ...(fate.trigger === null ? {} : { trigger: fate.trigger }),
    ...(fate.rule === null ? {} : { rule: fate.rule }),
  }
  if (fate.stage === 'final_gate') return common
  switch (fate.reason) {
    case 'stale_event': {
      const limit = model?.triggers.find((trigger) => trigger.id === fate.trigger)?.freshnessMs
      const value = durationWords(decision.now - decision.eventTime, language)
      return { ...common, value, ...(limit === undefined ? {} : { limit: durationWords(limit, language) }) }
    }
    case 'not_eligible':
    case 'eligibility_unknown':
      return offer?.eligible == null ? common : { ...common, condition: oneLine(offer.eligible) }
    case 'unsuitable_risk_grade':
      return { ...common, ...gradeValues(decision, offer, model) }
    case 'cap_reached': {
      const cap = model?.caps.find((candidate) => candidate.id === fate.rule)
      if (cap === undefined) return common
      return { ...common, rule: cap.text[language], value: `${cap.limit}`, limit: `${cap.limit}` }
    }
    case 'gap_not_over':
    case 'paused':
    case 'quiet_hours':
    case 'held':
    case 'switched': {
      const rules = [...(model?.gaps ?? []), ...(model?.pauses ?? []), ...(model?.quietHours ?? [])]
      const text = rules.find(({ id }) => id === fate.rule)?.text[language]
      return text === undefined ? common : { ...common, rule: text }
    }
    case 'out_of_stock':
    case 'budget_spent':
    case 'stock_unknown': {
      const asked = decision.stock.find(({ offer, resource }) => offer === fate.offer && resource === fate.rule)
      // A pack of before there were resources has none.
      const text = model?.resources?.find(({ id }) => id === fate.rule)?.text[language]
      return {
        ...common,
        ...(text === undefined ? {} : { rule: text }),
        ...(asked === undefined ? {} : { limit: numberWords(asked.amount) }),
        ...(asked === undefined || asked.left === null ? {} : { value: numberWords(asked.left) }),
      }
    }
    case 'below_nothing':
      return { ...common, value: numberWords(fate.score), limit: numberWords(nothingOf(decision, model)) }
    case 'content_type_mismatch':
      return offer === undefined ? common : { ...common, value: offer.contentType }
    default:
      return { ...common, value: numberWords(fate.score) }
  }
}

/** The product's grade and the highest the customer's own allowed, read from the features of the record. */
function gradeValues(decision: Decision, offer: OfferModel | undefined, model: Model | null): ReasonValues {
  if (model === null || offer?.riskGrade == null) return {}
  const { attribute, allows, whenUnknown } = model.suitability
  const values = model.attributes.find((candidate) => candidate.id === attribute)?.values ?? []
  const used = decision.features.find((feature) => feature.name === `profile.${attribute}`)
  const name = used !== undefined && used.lo === used.hi ? values[used.lo] : undefined
  const limit = name === undefined ? whenUnknown : (allows[name] ?? whenUnknown)
  return { value: `${offer.riskGrade}`, limit: `${limit}` }
}

function partsOf(offer: OfferModel | undefined, language: Language): string {
  return (offer?.parts ?? []).map((part) => part.title[language]).join(language === 'zh' ? '、' : ' + ')
}

function offerOf(model: Model | null, id: string): OfferModel | undefined {
  return model?.offers.find((offer) => offer.id === id)
}

const phrases = {
  en: {
    happened: (at: string, type: string, source: string, customer: string, placement: string) =>
      `${at}: ${type} from ${source} was seen for customer ${customer}; triggers proposed offers for ${placement}.`,
    about: (at: string, type: string, source: string, customer: string, digits: string) =>
      `${at}: ${type} from ${source} was seen for customer ${customer}; it is about the decision whose id begins with ${digits}.`,
    forbidden: 'What may not leave any more, and why:',
    asked: (at: string, customer: string, placement: string, channel: string, request: string) =>
      `${at}: ${placement}${channel === '' ? '' : ` (${channel})`} asked what to show customer ${customer} (request ${request}).`,
    unlisted: ' (not a source of the pack)',
    offered: (title: string, parts: string) => `Offered: ${title}${parts === '' ? '' : ` (${parts}, together)`}.`,
    why: (rank: string, score: string, terms: string) =>
      `It won by class and priority${rank === '' ? '' : ` (${rank})`}, then by score ${score} = propensity x context x value x lever = ${terms}.`,
    drawn: (learned: string) => ` The propensity was drawn from what is learned for ${learned}.`,
    proposedBy: (trigger: string) => `Proposed by trigger ${trigger}.`,
    possibleAgain: (at: string) => `Possible again on ${at}, if nothing else changes.`,
    released: (at: string, customer: string, placement: string, decision: string) =>
      `${at}: what had waited for customer ${customer} since decision ${decision} was looked at again for ${placement}.`,
    claimed: (amount: string, what: string, left: string | null, until: string) =>
      `Reserved for the customer until ${until}: ${amount} of ${what}${left === null ? '' : `, of which ${left} were left`}.`,
    nothing: 'Nothing was offered.',
    fallback: (title: string) => `Shown instead of a personal offer: ${title}.`,
    validUntil: (at: string) => `Not to be sent or shown after ${at}.`,
    others: (count: number) =>
      count === 1 ? 'Why not the other candidate:' : `Why not the other ${count} candidates:`,
    nothingWorth: (score: string) => `Doing nothing was worth ${score}.`,
    heldOut: (holdout: string, title: string) =>
      `Without the comparison group ${holdout} the offer would have been: ${title}.`,
    known: 'What was known of the customer:',
    times: (event: string, accepted: string, now: string, zone: string) =>
      `Times (${zone}): happened ${event}, accepted ${accepted}, decided ${now}.`,
    pack: (name: string | null, hash: string, id: string) =>
      `Rule pack ${name === null ? '' : `${name} `}${hash}${name === null ? ' (no longer kept: ids instead of titles)' : ''}; decision ${id}.`,
    gap: ' ',
    comma: ', ',
    colon: ': ',
    brackets: (text: string) => ` (${text})`,
  },
  zh: {
    happened: (at: string, type: string, source: string, customer: string, placement: string) =>
      `${at}：客户${customer}发生事件${type}（来源${source}），触发器为展示位${placement}提出候选。`,
    about: (at: string, type: string, source: string, customer: string, digits: string) =>
      `${at}：客户${customer}发生事件${type}（来源${source}），涉及编号以${digits}开头的决策。`,
    forbidden: '不得再发送的内容及原因：',
    asked: (at: string, customer: string, placement: string, channel: string, request: string) =>
      `${at}：展示位${placement}${channel === '' ? '' : `（${channel}）`}询问应向客户${customer}展示什么（请求${request}）。`,
    unlisted: '，规则包未登记',
    offered: (title: string, parts: string) => `已推荐：${title}${parts === '' ? '' : `（${parts}，一并提供）`}。`,
    why: (rank: string, score: string, terms: string) =>
      `先比类别与优先级${rank === '' ? '' : `（${rank}）`}，再比得分：${score} = 倾向 x 情境 x 价值 x 杠杆 = ${terms}。`,
    drawn: (learned: string) => `倾向由${learned}的历史结果抽样得出。`,
    proposedBy: (trigger: string) => `由触发器${trigger}提出。`,
    possibleAgain: (at: string) => `如无其他变化，${at}后可再次推荐。`,
    released: (at: string, customer: string, placement: string, decision: string) =>
      `${at}：自决策${decision}起等待的内容已为客户${customer}在展示位${placement}重新评估。`,
    claimed: (amount: string, what: string, left: string | null, until: string) =>
      `已为客户预留${what}${amount}份，保留至${until}${left === null ? '' : `（预留前余${left}）`}。`,
    nothing: '未作任何推荐。',
    fallback: (title: string) => `未作个性化推荐，显示：${title}。`,
    validUntil: (at: string) => `${at}之后不得发送或展示。`,
    others: (count: number) => `其余${count}个候选未入选的原因：`,
    nothingWorth: (score: string) => `不打扰的得分为${score}。`,
    heldOut: (holdout: string, title: string) => `若不属于对照组${holdout}，本应推荐：${title}。`,
    known: '当时已知的客户信息：',
    times: (event: string, accepted: string, now: string, zone: string) =>
      `时间（${zone}）：发生${event}，接收${accepted}，决策${now}。`,
    pack: (name: string | null, hash: string, id: string) =>
      `规则包${name ?? '（已不保存，以编号代替名称）'} ${hash}；决策${id}。`,
    gap: '',
    comma: '，',
    colon: '：',
    brackets: (text: string) => `（${text}）`,
  },
} as const
