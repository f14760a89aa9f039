/** Why a candidate was dropped or kept. One closed list: the word is the type, the metric label and the stored code. */
export const guardrailReasons = ['unemployment', 'bereavement', 'student', 'no_consent', 'unlawful_source'] as const
export type GuardrailReason = (typeof guardrailReasons)[number]
