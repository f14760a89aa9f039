/** What the engine's process and the history process say to each other. Both parse what they hear. */
import { z } from 'zod'
import { logPlace } from './log-place.ts'
import { packFacts } from './pack-facts.ts'
import { schemaPlace } from './schema-place.ts'

const address = z.object({ url: z.string(), username: z.string(), password: z.string(), database: z.string() })

export const toHistory = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('start'),
    /** Directory of the embedded ClickHouse; null: `address` is an external server. */
    dir: z.string().nullable(),
    /** Of an external server; for the embedded one the URL is empty and the password is the key it shall ask for. */
    address,
    log: logPlace,
    /** What the ids in the records mean. */
    schemas: schemaPlace,
    /** What history keeps of erased customers is hashed with this key. */
    erasureKey: z.string(),
    /**
     * Secret of the signatures by which records of our own door are known, base64; null: nobody else writes to the log, every
     * record is trusted.
     */
    signingSecret: z.string().nullable(),
    retentionDays: z.number(),
    /** The rule pack in force, to hold decisions against; null: none is told. */
    pack: z.object({ facts: packFacts, since: z.number() }).nullable(),
    batchRows: z.number(),
    flushEveryMs: z.number(),
    /** Most bytes one statement of the embedded ClickHouse may take. */
    queryMemoryBytes: z.number(),
    /** How long after rows were deleted it is looked for them again. */
    settleMs: z.number(),
  }),
  /** Another rule pack is in force. */
  z.object({ kind: z.literal('pack'), pack: z.object({ facts: packFacts, since: z.number() }) }),
  z.object({ kind: z.literal('flush'), id: z.number(), deadlineMs: z.number() }),
  z.object({ kind: z.literal('stop') }),
])
export type ToHistory = z.infer<typeof toHistory>
export type StartMessage = Extract<ToHistory, { kind: 'start' }>

const writerStatus = z.object({
  events: z.number(),
  decisions: z.number(),
  lagRecords: z.number(),
  behindSince: z.number().nullable(),
  skipped: z.number(),
  undecodable: z.number(),
  erased: z.number(),
  erasing: z.number(),
  lastError: z.string().nullable(),
})

export const fromHistory = z.discriminatedUnion('kind', [
  /** Tables are there, statements are answered at this address. */
  z.object({ kind: z.literal('serving'), address }),
  z.object({
    kind: z.literal('status'),
    writer: writerStatus.nullable(),
    pid: z.number(),
    memoryBytes: z.number(),
    error: z.string().nullable(),
  }),
  z.object({ kind: z.literal('flushed'), id: z.number(), complete: z.boolean() }),
  /** The process ends. `final`: starting it again would end the same way. */
  z.object({ kind: z.literal('failed'), code: z.string(), sentence: z.string(), final: z.boolean() }),
])
export type FromHistory = z.infer<typeof fromHistory>
