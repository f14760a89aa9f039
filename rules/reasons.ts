/**
 * Why a candidate was kept or dropped, why an answer is a fallback, why a trigger stayed silent. One closed list: the word
 * is the type, the metric label and the stored code. Texts have named holes such as `{offer}`; `explain-texts.ts` fills them.
 */

/**
 * Where a reason is given. The first eleven are the stages of the funnel a candidate can end at; `answer` says why a whole
 * decision is a fallback or empty; `silence` says why a trigger proposed nothing for an event.
 */
export type ReasonStage =
  | 'trigger'
  | 'eligibility'
  | 'suitability'
  | 'guardrail'
  | 'contact'
  | 'stock'
  | 'holdout'
  | 'arbitration'
  | 'placement'
  | 'final_gate'
  | 'offered'
  | 'answer'
  | 'silence'

/** A reason in words. Holes: offer, rule, value, limit, channel, placement, trigger, event, condition. */
export type Reason = { readonly stage: ReasonStage; readonly en: string; readonly zh: string }

/** Reasons a guardrail of a pack may give. */
export const guardrailReasons = [
  'unemployment',
  'bereavement',
  'illness',
  'divorce',
  'hardship',
  'student',
  'minor',
  'vulnerable_customer',
  'overdue_debt',
  'open_complaint',
  'open_dispute',
  'legal_restriction',
  'no_consent',
  'do_not_contact',
  'objection',
  'data_sharing',
  'unlawful_source',
  'bank_policy',
] as const
export type GuardrailReason = (typeof guardrailReasons)[number]

const guardrail = (en: string, zh: string): Reason => ({
  stage: 'guardrail',
  en: `{offer} was withheld: ${en} (guardrail {rule}).`,
  zh: `未推荐“{offer}”：${zh}（护栏规则 {rule}）。`,
})

const guardrailTexts = {
  unemployment: guardrail(
    'the customer lost their job, or may have, and must not be offered this credit',
    '客户已失业或可能失业，不得推荐此类信贷产品',
  ),
  bereavement: guardrail('the customer reported a death in the family', '客户报告亲属去世，处于静默期'),
  illness: guardrail('the customer, or somebody close, is seriously ill', '客户本人或亲属重病'),
  divorce: guardrail('the customer is getting divorced', '客户正处于离婚期间'),
  hardship: guardrail('the customer has trouble to pay', '客户存在还款困难'),
  student: guardrail(
    'the customer is a student, or may be one, and this category is closed to students',
    '客户是学生或可能是学生，此类产品不对学生开放',
  ),
  minor: guardrail('the customer is under age, or may be', '客户未成年或可能未成年'),
  vulnerable_customer: guardrail('the customer is, or may be, in a vulnerable situation', '客户处于或可能处于弱势状态'),
  overdue_debt: guardrail('the customer has, or may have, overdue debt', '客户存在或可能存在逾期债务'),
  open_complaint: guardrail('a complaint of the customer is open', '客户有未结投诉'),
  open_dispute: guardrail('a payment or contract of the customer is in dispute', '客户有未结的交易或合同争议'),
  legal_restriction: guardrail('the law or a regulator forbids it', '法律或监管规定禁止'),
  no_consent: guardrail(
    'the customer has not agreed to marketing on {channel}, or we do not know it',
    '客户未同意（或无法确认已同意）通过{channel}接收营销信息',
  ),
  do_not_contact: guardrail('the customer does not want to be addressed with offers', '客户明确表示不接受营销'),
  objection: guardrail('the customer objected to profiling', '客户反对对其进行画像'),
  data_sharing: guardrail('the customer objected to sharing data with partners', '客户反对与合作方共享数据'),
  unlawful_source: guardrail(
    'the data behind it comes from a source the bank may not lawfully use',
    '所依据的数据来源不合法，银行不得使用',
  ),
  bank_policy: guardrail('a policy of the bank forbids it', '银行内部政策禁止'),
} as const satisfies Record<GuardrailReason, Reason>

const funnelTexts = {
  other_purpose: {
    stage: 'guardrail',
    en: '{offer} was withheld: what would open it may be used for other purposes only.',
    zh: '未推荐“{offer}”：所依据的数据仅可用于其他目的。',
  },
  rule_quarantined: {
    stage: 'guardrail',
    en: '{offer} was withheld: a rule that it depends on failed and is out of service until an operator has looked at it ({rule}).',
    zh: '未推荐“{offer}”：其所依赖的规则发生故障，已停用，待运维人员处理（{rule}）。',
  },
  stale_event: {
    stage: 'trigger',
    en: 'The event was counted, but it is too old for {offer} to be sent: it was {value} old, the limit is {limit}.',
    zh: '事件已计入统计，但已过时，不再发送“{offer}”：事件已过去{value}，时限为{limit}。',
  },
  not_in_effect: {
    stage: 'eligibility',
    en: '{offer} is not in effect at this time.',
    zh: '“{offer}”目前不在生效时段内。',
  },
  not_eligible: {
    stage: 'eligibility',
    en: '{offer} does not apply: its condition is not met ({condition}).',
    zh: '“{offer}”不适用：未满足适用条件（{condition}）。',
  },
  eligibility_unknown: {
    stage: 'eligibility',
    en: '{offer} does not apply: some of the data its condition needs is not known ({condition}).',
    zh: '“{offer}”不适用：判断适用条件所需的数据未知（{condition}）。',
  },
  unsuitable_risk_grade: {
    stage: 'suitability',
    en: '{offer} is too risky for the customer: product grade R{value}, highest grade allowed R{limit}.',
    zh: '“{offer}”的风险超出客户承受能力：产品等级R{value}，客户最高可购R{limit}。',
  },
  cap_reached: {
    stage: 'contact',
    en: '{offer} was not sent: the customer has been contacted often enough ({rule}: {value} of {limit}).',
    zh: '未发送“{offer}”：对客户的触达次数已达上限（{rule}：{value}/{limit}）。',
  },
  gap_not_over: {
    stage: 'contact',
    en: '{offer} was not sent: the last contact of this kind is too recent ({rule}).',
    zh: '未发送“{offer}”：距上次同类触达间隔不足（{rule}）。',
  },
  paused: {
    stage: 'contact',
    en: '{offer} was not sent: the customer did not react to earlier messages and is left in peace ({rule}).',
    zh: '未发送“{offer}”：客户未回应此前的消息，暂停打扰（{rule}）。',
  },
  quiet_hours: {
    stage: 'contact',
    en: '{offer} was not sent: these are quiet hours where the customer lives ({rule}).',
    zh: '未发送“{offer}”：客户所在地处于免打扰时段（{rule}）。',
  },
  held: {
    stage: 'contact',
    en: '{offer} waits until the quiet hours of the customer are over and is looked at again then ({rule}).',
    zh: '“{offer}”等待客户免打扰时段结束后重新评估（{rule}）。',
  },
  switched: {
    stage: 'contact',
    en: '{offer} was proposed for another channel: these are quiet hours on this one ({rule}).',
    zh: '“{offer}”已改由其他渠道推荐：本渠道处于免打扰时段（{rule}）。',
  },
  hold_expired: {
    stage: 'trigger',
    en: '{offer} had waited for so long that it does not hold any more.',
    zh: '“{offer}”等待过久，已失效。',
  },
  channel_fatigued: {
    stage: 'contact',
    en: '{offer} was not sent: customers open too little of what comes by {channel}, so less is sent there ({rule}).',
    zh: '未发送“{offer}”：客户对{channel}渠道信息的打开率骤降，已减少发送（{rule}）。',
  },
  out_of_stock: {
    stage: 'stock',
    en: '{offer} is sold out: {limit} of {rule} would be taken, {value} left.',
    zh: '“{offer}”已告罄：需占用{rule}{limit}份，剩余{value}份。',
  },
  budget_spent: {
    stage: 'stock',
    en: 'The budget for {offer} is spent: {limit} of {rule} would be taken, {value} left.',
    zh: '“{offer}”的预算已用完：需占用{rule}{limit}，剩余{value}。',
  },
  stock_unknown: {
    stage: 'stock',
    en: '{offer} was not made: how much is left of {rule} is not known now, and {limit} would be taken.',
    zh: '未推荐“{offer}”：目前无法得知{rule}的余量，而该推荐需占用{limit}。',
  },
  had_already: {
    stage: 'stock',
    en: '{offer} was not made: the customer has accepted it before, and it is for once only.',
    zh: '未推荐“{offer}”：客户此前已领取，限领一次。',
  },
  holdout: {
    stage: 'holdout',
    en: '{offer} was held back: the customer belongs to the comparison group {rule}, which gets no such marketing.',
    zh: '未推荐“{offer}”：客户属于对照组{rule}，该组不接收此类营销。',
  },
  lost_arbitration: {
    stage: 'arbitration',
    en: '{offer} lost to a better offer: its score was {value}.',
    zh: '“{offer}”落选：有更合适的推荐，其得分为{value}。',
  },
  below_nothing: {
    stage: 'arbitration',
    en: 'Saying nothing is better than {offer}: its score {value} is below {limit}.',
    zh: '不打扰优于推荐“{offer}”：其得分{value}低于门槛{limit}。',
  },
  placement_full: {
    stage: 'placement',
    en: '{offer} would have been next, but {placement} was already full.',
    zh: '“{offer}”排在后面，展示位{placement}已满。',
  },
  channel_mismatch: {
    stage: 'placement',
    en: '{offer} is not meant for the channel of {placement} ({channel}).',
    zh: '“{offer}”不适用于展示位{placement}的渠道（{channel}）。',
  },
  content_type_mismatch: {
    stage: 'placement',
    en: '{offer} does not fit {placement}: its content is of the type {value}.',
    zh: '“{offer}”的内容类型（{value}）与展示位{placement}不符。',
  },
  duplicate_offer: {
    stage: 'placement',
    en: '{offer} was already chosen in this decision.',
    zh: '“{offer}”已在本次决策中选中，不再重复。',
  },
  final_gate: {
    stage: 'final_gate',
    en: '{offer} was stopped by the last guardrail check ({rule}).',
    zh: '“{offer}”在最终护栏检查中被拦截（{rule}）。',
  },
  offered: {
    stage: 'offered',
    en: '{offer} was chosen for {placement}, score {value}.',
    zh: '已选中“{offer}”，展示位{placement}，得分{value}。',
  },
  offered_by_override: {
    stage: 'offered',
    en: '{offer} was chosen for {placement}, score {value}, although a guardrail closes it ({rule}): a role that may do so has opened it for this customer.',
    zh: '已选中“{offer}”，展示位{placement}，得分{value}；其护栏规则（{rule}）已由有权角色为该客户临时放行。',
  },
  offered_by_allow: {
    stage: 'offered',
    en: '{offer} was chosen for {placement}, score {value}, although a guardrail closes it ({rule}): the rule pack allows it here.',
    zh: '已选中“{offer}”，展示位{placement}，得分{value}；其护栏规则（{rule}）由规则包中的允许规则放行。',
  },
} as const satisfies Record<string, Reason>

const answer = (en: string, zh: string): Reason => ({ stage: 'answer', en, zh })

const answerTexts = {
  cold_start: answer(
    'Too little is known about the customer yet, so {placement} shows its safe offer, {offer}.',
    '对该客户了解尚少，展示位{placement}显示安全默认内容“{offer}”。',
  ),
  no_candidate: answer('No offer fits {placement} for this customer.', '没有适合该客户的推荐可用于展示位{placement}。'),
  all_dropped: answer(
    'Every candidate for {placement} was dropped, each for the reason given with it.',
    '展示位{placement}的全部候选均被排除，原因见各候选。',
  ),
  held_back: answer(
    'What there was to say waits until the quiet hours of the customer are over.',
    '待客户免打扰时段结束后再行触达。',
  ),
  pack_changed: answer('What was held is not part of the rule pack any more.', '等待中的内容已不在当前规则包中。'),
  recalled: answer(
    'A guardrail has closed since an earlier message was decided: if it was not sent yet, it is not to be sent any more.',
    '此前已决定的消息，其后护栏已关闭：如尚未发送，不得再发送。',
  ),
  sent_after_recall: answer(
    'A message that had been recalled was sent all the same: its recall came too late. It counts as a contact.',
    '已撤回的消息仍被发送：撤回未能及时送达。该消息计入触达次数。',
  ),
  accepted_after_expiry: answer(
    'An offer was accepted after it had expired: the acceptance counts, but the terms no longer held.',
    '客户在推荐过期后才接受：该接受已计入，但条款已失效。',
  ),
  silence_chosen: answer(
    'Saying nothing was the best choice for {placement}.',
    '展示位{placement}：不打扰是最佳选择。',
  ),
  held_out: answer(
    'The customer belongs to a comparison group that gets no such marketing, so that its effect can be measured.',
    '客户属于不接收此类营销的对照组，以便衡量营销效果。',
  ),
  not_personalised: answer(
    'The answer was made without anything that is known of the customer, as the customer or the caller asked for.',
    '应客户或调用方要求，本次应答未使用任何客户个人数据。',
  ),
  repeated_request: answer(
    'The request was asked before: it got the same answer, and nothing was counted twice.',
    '该请求此前已应答：返回相同结果，未重复计数。',
  ),
  superseded: answer(
    'The earlier answer to this request no longer holds: a guardrail has closed {offer} since.',
    '该请求此前的答复已失效：其后护栏已关闭“{offer}”。',
  ),
  deadline_exceeded: answer(
    'The answer was not ready within {limit}, so {placement} shows its safe offer.',
    '未能在{limit}内完成决策，展示位{placement}显示安全默认内容。',
  ),
  overloaded: answer(
    'Too many requests were waiting, so {placement} shows its safe offer.',
    '等待处理的请求过多，展示位{placement}显示安全默认内容。',
  ),
  store_unavailable: answer(
    'The state store did not answer, so {placement} shows its safe offer.',
    '状态存储不可用，展示位{placement}显示安全默认内容。',
  ),
  outbox_full: answer(
    'Too many decisions wait to be published, so {placement} shows its safe offer.',
    '待发布的决策过多，展示位{placement}显示安全默认内容。',
  ),
  partition_closed: answer(
    "The customer's partition is closed until an operator reopens it, so {placement} shows its safe offer.",
    '客户所在分区已关闭，待运维人员重新开启，展示位{placement}显示安全默认内容。',
  ),
  customer_closed: answer(
    "The customer's state is too large or damaged and is closed, so {placement} shows its safe offer.",
    '客户状态过大或损坏，已关闭处理，展示位{placement}显示安全默认内容。',
  ),
  not_owner: answer(
    'This node does not own the customer, so {placement} shows its safe offer.',
    '该节点不负责此客户，展示位{placement}显示安全默认内容。',
  ),
  owner_unavailable: answer(
    'The node that owns the customer could not be reached, so {placement} shows its safe offer.',
    '负责此客户的节点无法访问，展示位{placement}显示安全默认内容。',
  ),
  customer_unknown: answer(
    'The alias in the request is not linked to any customer, so {placement} shows its safe offer.',
    '请求中的别名未关联任何客户，展示位{placement}显示安全默认内容。',
  ),
  erased: answer(
    'The customer’s data were erased, so {placement} shows its safe offer.',
    '该客户的数据已被删除，展示位{placement}显示安全默认内容。',
  ),
  stale_state: answer(
    'Events of the customer are still waiting to be counted, so {placement} shows its safe offer.',
    '客户的事件尚未处理完毕，展示位{placement}显示安全默认内容。',
  ),
  worker_failed: answer(
    'The worker that decides failed and is being restarted, so {placement} shows its safe offer.',
    '决策工作线程故障，正在重启，展示位{placement}显示安全默认内容。',
  ),
  shutting_down: answer(
    'The engine is stopping, so {placement} shows its safe offer.',
    '引擎正在停止，展示位{placement}显示安全默认内容。',
  ),
} as const satisfies Record<string, Reason>

const silence = (en: string, zh: string): Reason => ({ stage: 'silence', en, zh })

const silenceTexts = {
  trigger_fired: silence('The trigger {trigger} fired: its condition was met.', '触发器{trigger}已触发：条件满足。'),
  trigger_other_event: silence(
    'The trigger {trigger} waits for another kind of event, not for {event}.',
    '触发器{trigger}等待的是其他类型的事件，而非{event}。',
  ),
  trigger_condition_false: silence(
    'The trigger {trigger} did not fire: its condition was not met ({condition}).',
    '触发器{trigger}未触发：条件不满足（{condition}）。',
  ),
  trigger_condition_unknown: silence(
    'The trigger {trigger} did not fire: some of the data its condition needs is not known ({condition}).',
    '触发器{trigger}未触发：条件所需的部分数据未知（{condition}）。',
  ),
  trigger_not_in_effect: silence(
    'The trigger {trigger} did not fire: it is not in effect at this time, next from {value} on.',
    '触发器{trigger}未触发：目前不在生效时段内，下次生效：{value}。',
  ),
  trigger_quarantined: silence(
    'The trigger {trigger} did not fire: it failed and is out of service until an operator has looked at it.',
    '触发器{trigger}未触发：该规则发生故障，已停用，待运维人员处理。',
  ),
  no_trigger_for_event: silence(
    'No trigger of the pack waits for {event}: it was counted and nothing else.',
    '规则包中没有等待{event}的触发器：该事件仅计入统计。',
  ),
  event_duplicate: silence(
    'The event had come before, so it counted once and fired nothing again.',
    '该事件为重复事件，只计一次，未再次触发。',
  ),
  event_dead_lettered: silence(
    'The event was refused and is among the dead letters: {value}.',
    '该事件被拒收，已进入死信：{value}。',
  ),
  event_not_found: silence('No such event of this customer is on record.', '没有该客户此事件的记录。'),
} as const satisfies Record<string, Reason>

/** Every reason by its code. */
export const reasons = { ...guardrailTexts, ...funnelTexts, ...answerTexts, ...silenceTexts } as const

/** A code of the closed list. */
export type ReasonCode = keyof typeof reasons

/** The codes a whole answer may carry when it is the placement's fallback. */
export type AnswerReason = keyof typeof answerTexts

/** The codes that say why a trigger fired or stayed silent. */
export type SilenceReason = keyof typeof silenceTexts

/** Whether a text read from a stored record is a code of this release's list. */
export function isReasonCode(code: string): code is ReasonCode {
  return Object.hasOwn(reasons, code)
}
