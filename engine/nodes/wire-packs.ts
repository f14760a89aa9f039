/** What crosses from node to node when a pack is put in force. */
import { z } from 'zod'
import type { NodePrepared, NodeRuns, Preparing } from '../activation/node-packs.ts'
import { takeUpReasons } from '../activation/take-up-watch.ts'

const whole = z.number().int().nonnegative()

export const prepareBody: z.ZodType<Preparing & { readonly withinMs: number }> = z.strictObject({
  packHash: z.string(),
  past: z.strictObject({
    activations: whole,
    observedSince: z.record(z.string(), z.number()),
    added: z.record(z.string(), z.strictObject({ key: z.string(), activation: whole, filled: whole })),
    backfill: z.strictObject({
      number: whole,
      series: z.array(z.string()),
      until: z.number(),
      halt: z.enum(['none', 'asked', 'full']),
    }),
  }),
  withinMs: z.number().positive().max(600_000),
})

export const forgetBody = z.strictObject({ activation: whole })

export const preparedAnswer: z.ZodType<NodePrepared> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('prepared'), node: z.string(), shards: whole }),
  z.object({ kind: z.literal('failed'), node: z.string(), missing: z.array(whole) }),
  z.object({ kind: z.enum(['busy', 'unknown']), node: z.string() }),
])

export const runsAnswer: z.ZodType<NodeRuns> = z.object({
  node: z.string(),
  shards: z.array(
    z.object({
      node: z.string(),
      shard: whole,
      packHash: z.string(),
      activation: whole,
      since: z.number(),
    }),
  ),
  missing: z.array(whole),
  // A node of an older release says nothing of it.
  trouble: z
    .object({ reason: z.enum(takeUpReasons), message: z.string(), since: z.number() })
    .nullable()
    .default(null),
})
