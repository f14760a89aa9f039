/**
 * What may be said of a reason to whom. Staff read the reason itself (`reasons.ts`). A customer never learns from a text what the
 * bank infers of them, and a relationship manager learns what to do, not what it rests on. So each code has one of few kinds of
 * telling, and the sensitive ones share their customer's text with many that are not: nobody can tell them apart by it.
 */
import type { Text } from './model.ts'
import type { AnswerReason, ReasonCode } from './reasons.ts'

/** Who an explanation is for, the most careful first. `manager`: the relationship manager, who speaks with the customer. */
export const audiences = ['customer', 'manager', 'staff'] as const
export type Audience = (typeof audiences)[number]

/** What a customer and a relationship manager are told. Holes as in reasons: offer, placement. */
export type Disclosure = { readonly customer: Text; readonly manager: Text }

/** The customer's text of every code that says, or could let somebody guess, what the bank infers of them. */
export const neutralText: Text = {
  en: '{offer} is not available to you at the moment.',
  zh: '“{offer}”目前暂不向您提供。',
}

/** The customer's text of every answer that brings no personal offer, for whatever reason about the customer. */
export const nothingText: Text = {
  en: 'There was nothing in particular for you at that moment.',
  zh: '当时没有特别为您准备的内容。',
}

/** The kinds of telling. */
export const disclosures = {
  offered: {
    customer: { en: '{offer} was chosen for you.', zh: '已为您选中“{offer}”。' },
    manager: { en: '{offer} was chosen for {placement}.', zh: '已选中“{offer}”，展示位{placement}。' },
  },
  protected: {
    customer: neutralText,
    manager: {
      en: 'A rule that protects customers keeps {offer} from this customer now. Do not bring it up, and do not guess at the cause in front of the customer.',
      zh: '保护客户的规则目前不允许向该客户推荐“{offer}”。请勿提及，也不要当面猜测原因。',
    },
  },
  withheld: {
    customer: neutralText,
    manager: {
      en: '{offer} is not to be brought up with this customer at the moment.',
      zh: '目前不宜向该客户提及“{offer}”。',
    },
  },
  unfit: {
    customer: neutralText,
    manager: {
      en: '{offer} does not fit what is known of the customer, or too little is known. Bringing the customer’s data up to date may change that.',
      zh: '“{offer}”与已知的客户情况不符，或所知信息不足。更新客户资料后可能改变。',
    },
  },
  outranked: {
    customer: neutralText,
    manager: {
      en: '{offer} was not the best thing to say at that moment. You may talk about it when the customer asks.',
      zh: '“{offer}”当时不是最合适的推荐。客户询问时可以介绍。',
    },
  },
  outdated: {
    customer: neutralText,
    manager: { en: 'The occasion for {offer} had passed.', zh: '推荐“{offer}”的时机已过。' },
  },
  misplaced: {
    customer: neutralText,
    manager: { en: '{offer} is not made for {placement}.', zh: '“{offer}”不适用于展示位{placement}。' },
  },
  choice: {
    customer: {
      en: '{offer} is only brought to you if that is among your choices. You can look at them and change them in your settings.',
      zh: '只有您选择接收时，我们才会向您介绍“{offer}”。您可以在设置中查看和更改自己的选择。',
    },
    manager: {
      en: 'The customer has not agreed to hear of {offer} this way, or objects to it, as far as we know. Ask first.',
      zh: '据我们所知，客户未同意以此方式了解“{offer}”，或已表示反对。请先征得同意。',
    },
  },
  timing: {
    customer: {
      en: 'That was not a good moment to write to you about {offer}: we do not want to disturb you, or to write too often.',
      zh: '当时不宜就“{offer}”联系您：我们不想打扰您，也不想过于频繁。',
    },
    manager: {
      en: 'The customer has heard from us often enough for now, or it was an hour at which nothing disturbs. Wait before you bring up {offer}.',
      zh: '近期与该客户的联系已经足够，或当时处于免打扰时段。请稍后再提“{offer}”。',
    },
  },
  sold: {
    customer: {
      en: 'There was only so much of {offer}, and for now all of it is taken.',
      zh: '“{offer}”数量有限，目前已全部领完。',
    },
    manager: { en: 'For now there is nothing left of {offer}.', zh: '“{offer}”目前已无余量。' },
  },
  had: {
    customer: { en: '{offer} was given to you already.', zh: '您已获得过“{offer}”。' },
    manager: { en: 'The customer has had {offer} already.', zh: '该客户已获得过“{offer}”。' },
  },
  takenBack: {
    // That there was a message says that something was found out meanwhile.
    customer: nothingText,
    manager: {
      en: 'A message that was decided before is not to be sent any more. Do not bring up what it was about.',
      zh: '此前决定发送的一条消息不得再发送。请勿提及其内容。',
    },
  },
  sentAnyway: {
    customer: {
      en: 'You were sent a message that was not to be sent any more. You need not do anything.',
      zh: '您收到了一条本不应再发送的消息，无需任何操作。',
    },
    manager: {
      en: 'The customer was sent a message although it had been taken back. Be ready to be asked about it.',
      zh: '一条已撤回的消息仍被发送给该客户，请准备好答复客户的询问。',
    },
  },
  nothing: {
    customer: nothingText,
    manager: {
      en: 'Nothing personal was offered; what became of each offer is told with it.',
      zh: '未作个性化推荐；各候选的结果见其说明。',
    },
  },
  expired: {
    customer: {
      en: 'The offer was no longer valid when it was accepted. Please ask us for the terms of today.',
      zh: '接受时该推荐已过有效期。请向我们咨询当前条款。',
    },
    manager: {
      en: 'The customer accepted an offer that was no longer valid. Agree on the terms of today before anything is carried out.',
      zh: '客户接受的推荐已过有效期。办理前请与客户确认当前条款。',
    },
  },
  stranger: {
    customer: nothingText,
    manager: {
      en: 'Too little was known about the customer for a personal offer.',
      zh: '对客户了解尚少，未作个性化推荐。',
    },
  },
  technical: {
    customer: {
      en: 'For a technical reason, which has nothing to do with you, there was nothing personal at that moment.',
      zh: '由于技术原因（与您本人无关），当时没有个性化内容。',
    },
    manager: {
      en: 'For a technical reason, which has nothing to do with the customer, the safe offer of {placement} was shown.',
      zh: '由于技术原因（与客户无关），展示位{placement}显示了安全默认内容。',
    },
  },
  unmoved: {
    customer: { en: 'Nothing was sent to you because of it.', zh: '未因此向您发送任何内容。' },
    manager: { en: 'It was taken note of, and nothing followed from it.', zh: '已记录，未引发任何推荐。' },
  },
} as const satisfies Record<string, Disclosure>

export type DisclosureKind = keyof typeof disclosures

/** How each code is told. A new code has to say. When in doubt `withheld`: it says least. */
export const disclosureKinds = {
  unemployment: 'protected',
  bereavement: 'protected',
  illness: 'protected',
  divorce: 'protected',
  hardship: 'protected',
  student: 'protected',
  minor: 'protected',
  vulnerable_customer: 'protected',
  overdue_debt: 'protected',
  open_complaint: 'protected',
  open_dispute: 'protected',
  legal_restriction: 'protected',
  no_consent: 'choice',
  do_not_contact: 'choice',
  objection: 'choice',
  data_sharing: 'choice',
  unlawful_source: 'withheld',
  other_purpose: 'withheld',
  bank_policy: 'withheld',
  rule_quarantined: 'withheld',
  stale_event: 'outdated',
  not_in_effect: 'outdated',
  not_eligible: 'unfit',
  eligibility_unknown: 'unfit',
  unsuitable_risk_grade: 'unfit',
  cap_reached: 'timing',
  gap_not_over: 'timing',
  paused: 'timing',
  quiet_hours: 'timing',
  held: 'timing',
  switched: 'timing',
  hold_expired: 'outdated',
  channel_fatigued: 'withheld',
  out_of_stock: 'sold',
  budget_spent: 'sold',
  stock_unknown: 'withheld',
  had_already: 'had',
  holdout: 'withheld',
  lost_arbitration: 'outranked',
  below_nothing: 'outranked',
  placement_full: 'outranked',
  channel_mismatch: 'misplaced',
  content_type_mismatch: 'misplaced',
  duplicate_offer: 'outranked',
  final_gate: 'protected',
  offered: 'offered',
  offered_by_override: 'offered',
  offered_by_allow: 'offered',
  cold_start: 'stranger',
  no_candidate: 'nothing',
  all_dropped: 'nothing',
  held_back: 'nothing',
  pack_changed: 'nothing',
  recalled: 'takenBack',
  sent_after_recall: 'sentAnyway',
  accepted_after_expiry: 'expired',
  silence_chosen: 'nothing',
  held_out: 'nothing',
  not_personalised: 'nothing',
  repeated_request: 'offered',
  superseded: 'nothing',
  deadline_exceeded: 'technical',
  overloaded: 'technical',
  store_unavailable: 'technical',
  outbox_full: 'technical',
  partition_closed: 'technical',
  customer_closed: 'technical',
  not_owner: 'technical',
  owner_unavailable: 'technical',
  customer_unknown: 'stranger',
  erased: 'nothing',
  stale_state: 'technical',
  worker_failed: 'technical',
  shutting_down: 'technical',
  trigger_fired: 'unmoved',
  trigger_other_event: 'unmoved',
  trigger_condition_false: 'unmoved',
  trigger_condition_unknown: 'unmoved',
  trigger_not_in_effect: 'unmoved',
  trigger_quarantined: 'unmoved',
  no_trigger_for_event: 'unmoved',
  event_duplicate: 'unmoved',
  event_dead_lettered: 'unmoved',
  event_not_found: 'unmoved',
} as const satisfies Record<ReasonCode, DisclosureKind>

/**
 * What the answer to an app may say: nothing of what is inferred of a customer. `not_available` stands for all that does, such as an
 * offer that a guardrail has closed since (`superseded`) or a comparison group (`held_out`). The record has the code itself.
 */
export const appReasons = [
  'offered',
  'repeated_request',
  'not_available',
  'cold_start',
  'customer_unknown',
  'deadline_exceeded',
  'overloaded',
  'store_unavailable',
  'outbox_full',
  'partition_closed',
  'customer_closed',
  'not_owner',
  'owner_unavailable',
  'stale_state',
  'worker_failed',
  'shutting_down',
] as const satisfies readonly (AnswerReason | 'offered' | 'not_available')[]
export type AppReason = (typeof appReasons)[number]

const appReasonByCode: ReadonlyMap<string, AppReason> = new Map(appReasons.map((reason) => [reason, reason]))

/** The reason of a decision as an app may have it; a code that is not on the list of those is not told. */
export function appReasonOf(code: string): AppReason {
  return appReasonByCode.get(code) ?? 'not_available'
}
