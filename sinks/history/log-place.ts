/** Where the logs are that history copies. Sent to its process, with what it needs to log in there. */
import { z } from 'zod'

const tls = z.object({
  ca: z.string().optional(),
  cert: z.string().optional(),
  key: z.string().optional(),
  servername: z.string().optional(),
  rejectUnauthorized: z.boolean().optional(),
})

const sasl = z.object({
  mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
  username: z.string(),
  password: z.string(),
})

export const logPlace = z.discriminatedUnion('kind', [
  /** The embedded log environment that holds `events` and `decisions`. */
  z.object({ kind: z.literal('lmdb'), dir: z.string() }),
  z.object({
    kind: z.literal('kafka'),
    connection: z.object({
      brokers: z.array(z.string()).readonly(),
      clientId: z.string(),
      tls: tls.optional(),
      sasl: sasl.optional(),
      connectTimeoutMs: z.number().optional(),
    }),
    /** Names the brokers among all others. */
    clusterId: z.string(),
    /** Start of the names of topics and groups. */
    prefix: z.string(),
    partitions: z.number(),
    /** Stable name of this node, another one for each. */
    node: z.string(),
    sessionTimeoutMs: z.number(),
    /** Largest batch of records that the topics take. */
    messageBytesMax: z.number(),
  }),
])

/** A closed union by `kind`. */
export type LogPlace = z.infer<typeof logPlace>
export type KafkaPlace = Extract<LogPlace, { kind: 'kafka' }>
