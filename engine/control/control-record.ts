/** The records of the control log: who did what to the installation, when and why. JSON, one closed list of actions. */
import { z } from 'zod'
import { roles } from './roles.ts'

/** Names of people and machines: one name is one of them. */
export const callerName = z
  .string()
  .regex(/^[a-z][a-z0-9._-]{0,63}$/, '1 to 64 of a-z 0-9 . _ -, beginning with a letter')
/** Longest reason, in characters. */
const whyMax = 1_000
/** A reason as callers give it. */
export const whyText = z.string().trim().min(1, 'say why, in a sentence').max(whyMax)
const hash = z.string().regex(/^[0-9a-f]{64}$/)
const versionNumber = z.int().min(1)
/** Number of the `activating` record that an outcome is of; records of before it was told have none. */
const begun = z.int().min(1).optional()
/** Most reasons for compliance that a record names. */
export const complianceMax = 50

const contents = {
  name: z.string(),
  /** Hash of the model, which decisions carry. */
  hash,
  /** Hash of the sources; null: they are not kept (a version of before the control log). */
  files: hash.nullable(),
}
const compared = {
  /** Number of the version in force that it was compared with. */
  base: versionNumber,
  /** Why compliance has to approve it, each a definition and a sentence; empty: it need not. */
  compliance: z.array(z.string()).max(complianceMax).readonly(),
}

/** What was done, with what belongs to it. */
export const controlAction = z.discriminatedUnion('action', [
  /** Another key: its digest alone is kept. */
  z.strictObject({
    action: z.literal('key_created'),
    name: callerName,
    keyRoles: z.array(z.enum(roles)).min(1).max(roles.length).readonly(),
    digest: hash,
  }),
  /** All keys of a name are none any more. */
  z.strictObject({ action: z.literal('key_revoked'), name: callerName }),
  /** The version in force when the control log began. */
  z.strictObject({ action: z.literal('version_first'), ...contents }),
  z.strictObject({
    action: z.literal('version_proposed'),
    ...contents,
    ...compared,
    /** How many definitions came, went and changed. */
    changed: z.strictObject({ added: z.int(), removed: z.int(), changed: z.int() }),
  }),
  z.strictObject({ action: z.literal('version_approved'), version: versionNumber, ...compared }),
  z.strictObject({ action: z.literal('version_rejected'), version: versionNumber }),
  /** A pack that a start put in force by itself, as PACK_CHANGES=at_start says. */
  z.strictObject({ action: z.literal('version_at_start'), ...contents }),
  z.strictObject({
    action: z.literal('activating'),
    version: versionNumber,
    how: z.enum(['activate', 'rollback']),
    /** The node that carries it out; records of before it was told have none. */
    node: z.strictObject({ name: z.string().min(1).max(255), start: z.string().min(1).max(64) }).optional(),
  }),
  z.strictObject({
    action: z.literal('activated'),
    version: versionNumber,
    begun,
    missing: z.array(z.string()).max(1_000).readonly(),
  }),
  z.strictObject({
    action: z.literal('activation_failed'),
    version: versionNumber,
    begun,
    reason: z.string().max(2_000),
  }),
  /** Data of a source is not used any more; it may be again. */
  z.strictObject({ action: z.literal('source_revoked'), source: z.string().min(1).max(200) }),
  z.strictObject({ action: z.literal('source_restored'), source: z.string().min(1).max(200) }),
  /** A call that was refused for want of a role. */
  z.strictObject({ action: z.literal('call_refused'), call: z.string().max(200), code: z.string().max(64) }),
])
export type ControlAction = z.infer<typeof controlAction>

/** A record as it is in the log. `prev` is the hash of the record before, so that none can be changed or taken away unseen. */
export const controlRecord = z.strictObject({
  control: z.literal(1),
  /** The first is 1. */
  number: z.int().min(1),
  /** sha-256, in hex, of the bytes of the record before; of the first: 64 zeros. */
  prev: hash,
  /** Unix milliseconds, by the clock of the node that wrote it. */
  at: z.int(),
  who: z.string().min(1).max(64),
  roles: z.array(z.enum(roles)).readonly(),
  isOwner: z.boolean(),
  why: z.string().max(whyMax),
  what: controlAction,
})
export type ControlRecord = z.infer<typeof controlRecord>
