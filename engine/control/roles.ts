/** What a key may do: the closed list of roles, and who calls. */

/** Every role, in the order in which they are listed. */
export const roles = ['producer', 'app', 'operator', 'author', 'approver', 'compliance', 'gateway'] as const
export type Role = (typeof roles)[number]

/** Who calls. One name is one person or one machine, whatever keys it has. */
export type Caller = {
  readonly name: string
  readonly roles: readonly Role[]
  /** The key of the first start: it has all roles, and it alone makes and revokes keys. */
  readonly isOwner: boolean
  /** Digest of the key that was sent, to see whether it still is one; absent: of the owner, and of the engine itself. */
  readonly digest?: string | undefined
}

/** The name that the key of the first start speaks for. No other key may have it. */
export const ownerName = 'owner'
/** Names that the engine speaks under itself, beside the owner's: no key may have them, or the audit would say it was the engine. */
export const engineNames: readonly string[] = ['start', 'node']
export const owner: Caller = { name: ownerName, roles, isOwner: true }
/** Another node of the installation. */
export const nodeCaller: Caller = { name: 'node', roles: [], isOwner: false }
