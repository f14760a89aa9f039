/** What the records of the control log come to. */
import type { Role } from './roles.ts'

/** A key that may call. */
export type ControlKey = {
  readonly name: string
  readonly roles: readonly Role[]
  readonly digest: string
  readonly at: number
}

export type Approval = {
  readonly who: string
  readonly roles: readonly Role[]
  readonly at: number
  readonly why: string
}

/** A version of the pack. What it says never changes; what becomes of it does. */
export type Version = {
  readonly number: number
  readonly name: string
  readonly hash: string
  readonly files: string | null
  readonly author: string
  readonly at: number
  readonly why: string
  /** Number of the version in force it was compared with, last. 0: none. */
  readonly base: number
  readonly compliance: readonly string[]
  readonly changed: { readonly added: number; readonly removed: number; readonly changed: number } | null
  readonly approvals: readonly Approval[]
  readonly rejected: Approval | null
  /** Whether it was put in force at least once. */
  readonly wasInForce: boolean
}

/** One time that a version was put in force. `before`: the version that a roll-back goes to; null: there is none. */
export type InForce = { readonly version: number; readonly at: number; readonly before: InForce | null }

/** A node, by its stable name, and which start of it, by an id of its own. */
export type NodeStart = { readonly name: string; readonly start: string }

/** An activation as its first record says it. */
export type Activating = {
  readonly version: number
  readonly how: 'activate' | 'rollback'
  readonly who: string
  readonly at: number
  /** Number of its record. */
  readonly record: number
  /** Who carries it out; null: its record does not say. */
  readonly node: NodeStart | null
}

export type ControlState = {
  /** Records folded, and the hash of the last. */
  readonly number: number
  readonly head: string
  readonly keys: ReadonlyMap<string, ControlKey>
  readonly versions: readonly Version[]
  readonly inForce: InForce | null
  /** An activation that began and was not told to have ended. */
  readonly activating: Activating | null
  /** Those that were told to have failed, as long as nothing came into force since, the last `givenUpMax`: their nodes may know better. */
  readonly givenUp: readonly Activating[]
  readonly revokedSources: ReadonlyMap<string, { readonly who: string; readonly at: number; readonly why: string }>
}

/** `prev` of the first record. */
export const noHash = '0'.repeat(64)

export const emptyControl: ControlState = {
  number: 0,
  head: noHash,
  keys: new Map(),
  versions: [],
  inForce: null,
  activating: null,
  givenUp: [],
  revokedSources: new Map(),
}

/** Most keys that may call at a time. */
export const keysMax = 1_000
/** Most activations that are remembered as given up. */
export const givenUpMax = 16
/** An activation that was not told to have ended for so long is over, wherever its node is, milliseconds. */
export const activatingMaxMs = 10 * 60_000

/** Who looks whether an activation may still be going on. */
export type Looking = {
  readonly self: NodeStart
  /** Whether this start of the node is carrying one out. */
  readonly isAtOne: boolean
  /** Names of the other nodes that take part now. */
  readonly others: readonly string[]
  /** Unix milliseconds. */
  readonly at: number
}

/**
 * Whether an activation that was not told to have ended cannot be going on any more: its node takes part no longer, was started anew, or is this one
 * and not at it. Of which node it is, older records do not say: then it may be any of the others.
 */
export function isAbandoned({ node, at: began }: Activating, { self, isAtOne, others, at }: Looking): boolean {
  if (node?.name === self.name) return node.start !== self.start || !isAtOne
  if (at - began > activatingMaxMs) return true
  return node === null ? others.length === 0 && !isAtOne : !others.includes(node.name)
}

/** A version by its number. */
export function versionOf({ versions }: ControlState, number: number): Version | null {
  return versions[number - 1] ?? null
}

/** The version in force; null before the first start was recorded. */
export function versionInForce(state: ControlState): Version | null {
  return state.inForce === null ? null : versionOf(state, state.inForce.version)
}

/**
 * What is still needed before a version may be put in force. One person counts once, so that two roles of a name are one approval.
 */
export function approvalsMissing({ approvals, compliance }: Version): readonly Role[] {
  const may = (role: Role) => approvals.filter((one) => one.roles.includes(role))
  if (compliance.length === 0) return approvals.length > 0 ? [] : ['approver']
  const [approvers, officers] = [may('approver'), may('compliance')]
  if (approvers.some((one) => officers.some((other) => other.who !== one.who))) return []
  if (approvers.length === 0 && officers.length === 0) return ['approver', 'compliance']
  if (approvers.length === 0) return ['approver']
  // One person with both roles is there: either one is missing.
  return officers.length === 0 ? ['compliance'] : ['approver', 'compliance']
}

/** What a version waits for now: approvals against another version in force do not count, they are given anew. */
export function waitsFor({ inForce }: ControlState, version: Version): readonly Role[] {
  return approvalsMissing(version.base === inForce?.version ? version : { ...version, approvals: [] })
}

/** Where a version stands, in one word. */
export type VersionStatus = 'in_force' | 'activating' | 'rejected' | 'approved' | 'proposed' | 'was_in_force'

export function statusOf(state: ControlState, version: Version): VersionStatus {
  if (state.inForce?.version === version.number) return 'in_force'
  if (state.activating?.version === version.number) return 'activating'
  if (version.rejected !== null) return 'rejected'
  if (waitsFor(state, version).length === 0) return 'approved'
  return version.wasInForce ? 'was_in_force' : 'proposed'
}
