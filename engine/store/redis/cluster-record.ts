import { z } from 'zod'
import { type Cluster, nothingAdded, StoreError, storeFormat } from '../store.ts'
import { corrupt } from './state-value.ts'

const Record = z.object({
  format: z.number(),
  partitions: z.number(),
  clock: z.enum(['wall', 'event']),
  log: z.string().default(''),
  salt: z.string(),
  completeSince: z.number(),
  pack: z.string(),
  observedSince: z.record(z.string(), z.number()),
  activations: z.number().default(nothingAdded.activations),
  added: z
    .record(z.string(), z.object({ key: z.string(), activation: z.number(), filled: z.number() }))
    .default(nothingAdded.added),
  backfill: z
    .object({
      number: z.number(),
      series: z.array(z.string()).readonly(),
      until: z.number(),
      halt: z.enum(['none', 'asked', 'full']),
    })
    .default(() => nothingAdded.backfill),
})

/**
 * The installation's record from its JSON.
 * @throws StoreError `format_unsupported` when another release wrote it, `state_corrupt` when it is damaged
 */
export function decodeCluster(json: string): Cluster {
  const value = parsed(json)
  const format = z.object({ format: z.number() }).safeParse(value)
  if (format.success && format.data.format !== storeFormat) {
    throw new StoreError(
      'format_unsupported',
      `The data were written in format ${format.data.format}, this release reads format ${storeFormat}. ` +
        'Use the release that wrote them, or start with another key prefix.',
      { retryable: false },
    )
  }
  const record = Record.safeParse(value)
  if (!record.success) throw corrupt('The record of the installation is damaged.')
  return record.data
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return null
  }
}
