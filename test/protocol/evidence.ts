import type { CustomerView } from '../../engine/shard/shards.ts'
import type { Stored } from '../../engine/state/states.ts'
import type { Cluster, Meta } from '../../engine/store/store.ts'
import { decodeEvent } from '../../ingest/avro-codec.ts'
import type { Event } from '../../ingest/event.ts'
import type { LogRecord } from '../../ingest/log.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import type { Decision } from '../../sinks/decision.ts'
import { decodeDecision } from '../../sinks/decision-codec.ts'

/** An answer that a caller got. Instants are those of the caller's clock. */
export type Answer = Pick<Decision, 'id' | 'customerId' | 'channel' | 'reason' | 'now' | 'packHash'> & {
  readonly askedAt: number
  readonly offers: readonly string[]
  readonly contacts: readonly Pick<Decision['contacts'][number], 'class'>[]
  /** Whether it reserved something, so that it left behind its commit. */
  readonly committed: boolean
}

/** An event that was acknowledged to who sent it, and when, on the caller's clock. */
export type Acknowledged = { readonly event: Event; readonly at: number }

/** All that a run left behind, read from servers or models once everything in the log was through. */
export type Evidence = {
  readonly pack: CompiledPack
  readonly salt: string
  readonly partitions: number
  /** Since when each series of the pack's layout is observed. */
  readonly observedSince: readonly number[]
  /** Which series were added to states that exist already. */
  readonly added: Cluster['added']
  readonly customers: readonly string[]
  /** Every record that is to be counted, by partition, in the order of the log. */
  readonly events: readonly (readonly LogRecord[])[]
  /** Every record that left, by partition, in the order of the log. */
  readonly decisions: readonly (readonly LogRecord[])[]
  /** What commits were made from, by partition, in the order of the log. */
  readonly batches: readonly (readonly LogRecord[])[]
  readonly metas: readonly (Meta | null)[]
  /** What the store keeps, by customer; absent: nothing. */
  readonly stored: ReadonlyMap<string, Stored>
  /** Which events came through our own door. */
  readonly trusts: (record: LogRecord) => boolean
  readonly answers: readonly Answer[]
  readonly acknowledged: readonly Acknowledged[]
  /** The most contacts of a customer on a channel within a stretch of time. */
  readonly cap: { readonly limit: number; readonly perMs: number }
  /** Instant for which customers are looked at; later than all that was counted. */
  readonly asOf: number
}

/** What is compared of a customer. */
export type Seen = Pick<CustomerView, 'variables' | 'suppressions' | 'overrides'>

/** The events of the log that decode, in the order of its partitions. */
export function* loggedEvents({ events }: Pick<Evidence, 'events'>): Generator<{
  readonly record: LogRecord
  readonly event: Event
  readonly partition: number
}> {
  for (const [partition, records] of events.entries()) {
    for (const record of records) {
      const decoded = decodeEvent(record.value)
      if (decoded.kind === 'ok') yield { record, event: decoded.event, partition }
    }
  }
}

/** Decisions on the topic, in its order, repeats included. */
export function publishedDecisions({ decisions }: Pick<Evidence, 'decisions'>): Decision[] {
  return decisions.flatMap((records) => records.map(({ value }) => decodeDecision(value)))
}

/** Bytes as text, to compare contents. */
export function contentOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}
