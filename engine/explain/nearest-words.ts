/** The nearest change that would let a refused offer pass the stage that refused it. For staff: it tells rules, values and scores. */
import type { Language } from '../../rules/explain-texts.ts'
import type { AllowModel, GuardrailModel, Model, OfferModel } from '../../rules/model.ts'
import { holdsOffer, opensOffer } from '../../rules/scope.ts'
import type { Decision, Fate, FeatureUsed } from '../../sinks/decision.ts'
import { changesWords, recordedChange } from './change-words.ts'
import { durationWords, numberWords, oneLine } from './value-words.ts'

/**
 * What would have to be otherwise, sentence by sentence; empty when nothing is known that would do, or the pack is gone. An instant is
 * told apart from this (`possibleAt`). Each holds by itself: what a later stage would have said is not known.
 */
export function nearestWords(
  decision: Decision,
  fate: Fate,
  model: Model | null,
  language: Language,
): readonly string[] {
  const offer = model?.offers.find(({ id }) => id === fate.offer)
  if (model === null || offer === undefined) return []
  const say = phrases[language]
  switch (fate.stage) {
    case 'eligibility':
      // Nothing but time brings it into effect, and when is told apart from this.
      if (fate.reason === 'not_in_effect') return []
      return offer.eligible === null ? [] : conditionWords(model, decision.features, offer.eligible, 'true', language)
    case 'suitability':
      return suitabilityWords(model, decision.features, offer, language)
    case 'guardrail':
    case 'final_gate':
      return guardrailWords(model, decision, fate, offer, language)
    case 'holdout':
      return [say.member]
    case 'arbitration':
      return fate.reason === 'below_nothing'
        ? [say.worthMore(numberWords(nothingOf(decision, model)), lacking(nothingOf(decision, model) - fate.score))]
        : lostWords(decision, fate, model, offer, language)
    case 'placement':
      return fate.reason === 'placement_full' ? slotWords(decision, model, language) : []
    default:
      return []
  }
}

function conditionWords(
  model: Model,
  features: readonly FeatureUsed[],
  condition: string,
  goal: 'true' | 'false',
  language: Language,
): readonly string[] {
  const changes = recordedChange(model, features, condition, goal)
  if (changes === null) return [phrases[language].unclear]
  return changes.length === 0 ? [] : [phrases[language].nearest(changesWords(changes, model, language))]
}

function guardrailWords(
  model: Model,
  decision: Decision,
  fate: Fate,
  offer: OfferModel,
  language: Language,
): readonly string[] {
  const say = phrases[language]
  const guardrail = model.guardrails.find(({ id }) => id === fate.rule)
  if (guardrail === undefined) return []
  /** By what was recorded; what a role had opened is not, so that a guardrail of a role is told only if nothing else is known. */
  const mayHold = ({ when }: GuardrailModel): boolean => {
    const changes = when === null ? null : recordedChange(model, decision.features, when, 'false')
    return changes !== null && changes.length > 0
  }
  const own = [...closedWords(model, decision, guardrail, language), ...openedWords(guardrail, language)]
  const allows = model.allows.filter(({ opens }) => opensOffer(opens, offer, decision.channel))
  const also = model.guardrails.filter(
    (one) => one.id !== guardrail.id && holdsOffer(one.closes, offer, decision.channel) && mayHold(one),
  )
  return [
    ...own,
    ...(guardrail.override === 'never' ? [] : allows).flatMap((allow) => allowWords(model, decision, allow, language)),
    ...also.map(({ id, text }) => say.alsoCloses(id, text[language].replace(/[.。]$/u, ''))),
  ]
}

/** What would make the guardrail's own condition surely false, and what ends its suppression before its time. */
function closedWords(
  model: Model,
  decision: Decision,
  { when, suppression }: GuardrailModel,
  language: Language,
): readonly string[] {
  const say = phrases[language]
  const words = when === null ? [] : conditionWords(model, decision.features, when, 'false', language)
  if (suppression === null) return words
  const { liftedBy } = suppression
  const lifted =
    liftedBy === null
      ? say.nothingLifts
      : say.liftedBy(liftedBy.event, liftedBy.where === null ? '' : oneLine(liftedBy.where))
  return [...words, ...(words.length > 0 ? [say.mayRunToo(suppression.event)] : []), lifted]
}

function openedWords({ override }: GuardrailModel, language: Language): readonly string[] {
  const say = phrases[language]
  if (override === 'never') return [say.nobodyOpens]
  return [say.roleOpens(override.role, durationWords(override.atMostMs, language))]
}

function allowWords(model: Model, decision: Decision, allow: AllowModel, language: Language): readonly string[] {
  if (allow.when === null) return []
  const changes = recordedChange(model, decision.features, allow.when, 'true')
  if (changes === null || changes.length === 0) return []
  return [phrases[language].allows(allow.id, changesWords(changes, model, language))]
}

function suitabilityWords(
  model: Model,
  features: readonly FeatureUsed[],
  { riskGrade }: OfferModel,
  language: Language,
): readonly string[] {
  const { attribute: id, allows } = model.suitability
  const attribute = model.attributes.find((one) => one.id === id)
  const enough = (attribute?.values ?? []).filter((value) => (allows[value] ?? 0) >= (riskGrade ?? 0))
  if (enough.length === 0) return [phrases[language].noGrade]
  const condition = `profile.${id} in [${enough.map((value) => JSON.stringify(value)).join(', ')}]`
  return conditionWords(model, features, condition, 'true', language)
}

/** To whom it lost, and by what: class, priority, or score, in the order in which they are compared. */
function lostWords(
  decision: Decision,
  fate: Fate,
  model: Model,
  offer: OfferModel,
  language: Language,
): readonly string[] {
  const say = phrases[language]
  const last = decision.offers.at(-1)
  const winner = decision.outcome === 'offered' ? model.offers.find(({ id }) => id === last?.offer) : undefined
  if (winner === undefined || last === undefined) return []
  const title = winner.title[language]
  if (winner.class !== offer.class) return [say.lostByClass(title, winner.class, offer.class)]
  if (winner.priority !== offer.priority) return [say.lostByPriority(title, winner.priority, offer.priority)]
  if (last.score === fate.score) return [say.lostByName(title)]
  return [say.lostByScore(title, numberWords(last.score), lacking(last.score - fate.score))]
}

function slotWords(decision: Decision, model: Model, language: Language): readonly string[] {
  const slots = model.placements.find(({ id }) => id === decision.placement)?.slots
  const taken = decision.offers.length
  if (slots === undefined || decision.outcome !== 'offered') return []
  return [phrases[language].oneMore(decision.placement, taken, slots)]
}

/** What doing nothing was worth; records of before it was in them say 0. */
export function nothingOf(decision: Decision, model: Model | null): number {
  return decision.nothing > 0 ? decision.nothing : (model?.arbitration.nothing ?? 0)
}

/** A difference of scores, never rounded to nothing. */
function lacking(difference: number): string {
  return difference >= 0.0001 ? numberWords(difference) : '< 0.0001'
}

const phrases = {
  en: {
    nearest: (changes: string) => `Nearest change: ${changes}.`,
    unclear: 'Nearest change: no change of single values is known that would surely do.',
    mayRunToo: (event: string) => `A suppression that ${event} set may run as well.`,
    liftedBy: (event: string, where: string) =>
      `Its suppression ends at once when ${event} comes${where === '' ? '' : ` with ${where}`}.`,
    nothingLifts: 'Nothing ends its suppression before its time.',
    nobodyOpens: 'Nobody may open it for a single customer.',
    roleOpens: (role: string, atMost: string) =>
      `The role ${role} may open it for the customer, for at most ${atMost}.`,
    allows: (id: string, changes: string) => `The pack opens it (${id}) when: ${changes}.`,
    alsoCloses: (id: string, text: string) => `By what was recorded ${id} closes it too, or may: ${text}.`,
    noGrade: 'No risk grade of a customer allows it.',
    member: 'No change: a member of a comparison group stays in it.',
    worthMore: (nothing: string, lacking: string) => `Nearest change: a score of ${nothing}, it lacks ${lacking}.`,
    lostByClass: (title: string, theirs: string, own: string) =>
      `It lost to ${title}, since ${theirs} goes before ${own}, whatever the score.`,
    lostByPriority: (title: string, theirs: number, own: number) =>
      `It lost to ${title} by priority (${own} against ${theirs}), whatever the score.`,
    lostByScore: (title: string, score: string, lacking: string) =>
      `Nearest change: a score above ${score}, that of ${title}; it lacks ${lacking}.`,
    lostByName: (title: string) => `It has the score of ${title} and goes behind it by the order of ids.`,
    oneMore: (placement: string, taken: number, slots: number) =>
      `Nearest change: one offer more (${taken} filled of ${slots} that ${placement} has).`,
  },
  zh: {
    nearest: (changes: string) => `最近的改变：${changes}。`,
    unclear: '最近的改变：没有已知的单个数值改变能确保满足。',
    mayRunToo: (event: string) => `由${event}设置的静默也可能仍在生效。`,
    liftedBy: (event: string, where: string) => `收到${event}${where === '' ? '' : `（${where}）`}时静默立即结束。`,
    nothingLifts: '静默不会提前结束。',
    nobodyOpens: '任何人不得为个别客户放行。',
    roleOpens: (role: string, atMost: string) => `角色${role}可为该客户放行，最长${atMost}。`,
    allows: (id: string, changes: string) => `满足以下条件时规则包放行（${id}）：${changes}。`,
    alsoCloses: (id: string, text: string) => `按当时记录，${id}同样（或可能）不允许：${text}。`,
    noGrade: '任何客户风险等级都不可购买。',
    member: '无可改变：对照组成员保持不变。',
    worthMore: (nothing: string, lacking: string) => `最近的改变：得分达到${nothing}，尚差${lacking}。`,
    lostByClass: (title: string, theirs: string, own: string) =>
      `落选于“${title}”：类别${theirs}先于${own}，与得分无关。`,
    lostByPriority: (title: string, theirs: number, own: number) =>
      `因优先级落选于“${title}”（${own}对${theirs}），与得分无关。`,
    lostByScore: (title: string, score: string, lacking: string) =>
      `最近的改变：得分高于“${title}”的${score}，尚差${lacking}。`,
    lostByName: (title: string) => `与“${title}”得分相同，按编号排在其后。`,
    oneMore: (placement: string, taken: number, slots: number) =>
      `最近的改变：再多一个位置（展示位${placement}共${slots}个，已用${taken}个）。`,
  },
} as const
