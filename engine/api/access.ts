/** Who may call which route: the one table; `test/engine/api/access.test.ts` holds every route against it. */
import type { Role } from '../control/roles.ts'
import { roles } from '../control/roles.ts'

/** Facts come from source systems, receipts from gateways, overrides from compliance, erasures from operators: see `event-roles.ts`. */
export const sendsEvents: readonly Role[] = ['producer', 'gateway', 'compliance', 'operator']
/** Asks for offers. */
export const asksDecisions: readonly Role[] = ['app']
/** Sends messages. */
export const sendsMessages: readonly Role[] = ['gateway']
/** Follows decisions as they leave. */
export const followsTail: readonly Role[] = ['gateway', 'operator', 'compliance']
/** Looks at one decision; an app only as its customer may be told. */
export const looksAtDecisions: readonly Role[] = ['app', 'operator', 'approver', 'compliance']
/** Computes decisions again: the answer may show what a record holds. */
export const replays: readonly Role[] = ['operator', 'compliance', 'approver']
/** Looks at a customer. */
export const looksAtCustomers: readonly Role[] = ['operator', 'compliance']
/** Erases a customer and asks for the receipt. */
export const erases: readonly Role[] = ['operator', 'compliance']
/** Keeps the engine running. */
export const operates: readonly Role[] = ['operator']
/** Measures: history, stock. */
export const measures: readonly Role[] = ['operator', 'author', 'approver', 'compliance']
/** Changes and tries rule packs. */
export const writesPacks: readonly Role[] = ['author']
/** Reads rule packs, their versions and what was proven of them. */
export const readsPacks: readonly Role[] = ['operator', 'author', 'approver', 'compliance']
/** Approves or rejects a version; what it may approve is judged by the control log. */
export const approvesPacks: readonly Role[] = ['approver', 'compliance']
/** Puts an approved version in force. */
export const activatesPacks: readonly Role[] = ['operator', 'approver']
/** Goes back to the version that was in force before. */
export const rollsBack: readonly Role[] = ['operator', 'approver', 'compliance']
/** Revokes a source of data. */
export const revokesSources: readonly Role[] = ['compliance', 'operator']
/** Takes the revocation of a source back, which opens what was closed. */
export const restoresSources: readonly Role[] = ['compliance']
/** Reads who did what. */
export const audits: readonly Role[] = ['operator', 'approver', 'compliance']
/** Whoever has a key: what it gets names no customer. */
export const anyRole: readonly Role[] = roles
