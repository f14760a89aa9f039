/** What the rules of governance say of a record. */

/** Why a record has no effect. It is kept all the same: a refusal is part of the audit. */
export const controlRefusals = [
  'not_owner',
  'role_missing',
  'name_taken',
  'too_many_keys',
  'key_unknown',
  'key_revoked',
  'version_unknown',
  'version_known',
  'version_settled',
  'own_version',
  'approved_already',
  'approval_not_needed',
  'not_approved',
  'base_changed',
  'in_force_already',
  'nothing_before',
  'activation_in_progress',
  'no_activation',
  'begun_already',
  'not_begun',
  'source_as_said',
] as const
export type ControlRefusal = (typeof controlRefusals)[number]

/** Why not. `message`: what is so, and what to do. */
export type Refused = { readonly kind: 'refused'; readonly code: ControlRefusal; readonly message: string }

/** `done`: nothing speaks against it. */
export type Verdict = { readonly kind: 'done' } | Refused

/** Nothing speaks against it. */
export const done: Verdict = { kind: 'done' }

/** @param message what is so, and what to do */
export const refused = (code: ControlRefusal, message: string): Refused => ({ kind: 'refused', code, message })

/** There is no version of this number. */
export function unknownVersion(number: number): Refused {
  return refused('version_unknown', `There is no version ${number}: \`proffer pack list\` shows them.`)
}
