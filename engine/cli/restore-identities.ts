/**
 * What the log says of aliases since a backup. The door changes the identity map before a fact is in the log; when the log is read
 * again nobody links, and an erased customer would have its aliases until the engine gets to its erasure.
 */
import { erasureType } from '../../ingest/erasure.ts'
import type { Event } from '../../ingest/event.ts'
import { isSealedAlias } from '../../ingest/identity/alias.ts'
import type { IdentityChange, IdentityMap } from '../../ingest/identity/identity-map.ts'
import type { Log, LogRecord } from '../../ingest/log.ts'
import { partitionOf } from '../../ingest/partition.ts'
import type { RecordSignature } from '../../ingest/record-signature.ts'
import type { Codecs } from '../../sinks/codecs.ts'
import { learnWithinMs } from '../shard/event-schemas.ts'
import { BackupError } from '../store/backup/backup-error.ts'
import type { BackedPartition } from '../store/backup/backup-tally.ts'

/** The log as far as aliases are concerned. */
export type IdentityLog = {
  readonly events: Pick<Log, 'read' | 'bounds' | 'partitions'>
  readonly codecs: Pick<Codecs, 'events' | 'learnEvents'>
  /** Tells what came through our own door; null: everything did, or is trusted like it. */
  readonly signature: Pick<RecordSignature, 'verify'> | null
}

/** What was taken over; `left`: links that another customer's alias stood in the way of, too many to be remembered. */
export type CaughtUp = { readonly changes: number; readonly erased: number; readonly left: number }

/** Read at once. */
const readBytes = 4 * 2 ** 20
const readRecords = 4_096
/** Changes made at once. */
const changesAtOnce = 1_000
/** Changes that wait for what another partition says of their alias. */
const waitingMax = 100_000

/**
 * Carries out what the log says from the positions of a backup on. Partitions come one after the other: what one
 * customer has to give up before another can have it is tried again at the end. What the copy knew already changes nothing.
 *
 * @throws LogError, IdentityError, SchemaRegistryError, BackupError `interrupted`
 */
export async function catchUpIdentities(
  map: IdentityMap,
  positions: readonly Pick<BackedPartition, 'partition' | 'next'>[],
  { log, signal }: { readonly log: IdentityLog; readonly signal: AbortSignal },
): Promise<CaughtUp> {
  const waiting: IdentityChange[] = []
  const tally = { changes: 0, erased: 0, left: 0 }
  const carryOut = async (changes: readonly IdentityChange[], isLast: boolean) => {
    const replies = await map.change(changes)
    for (const [i, change] of changes.entries()) {
      if (replies[i] === 'done') tally.changes++
      if (replies[i] !== 'taken' || isLast) continue
      if (waiting.length < waitingMax) waiting.push(change)
      else tally.left++
    }
  }
  for (const { partition, next } of positions) {
    let changes: IdentityChange[] = []
    for await (const { event, appendTime } of eventsFrom(log, partition, next, signal)) {
      const change = changeOf(event, appendTime)
      if (change !== null) changes.push(change)
      const isErasure = event.type === erasureType
      if (changes.length >= changesAtOnce || isErasure) {
        await carryOut(changes, false)
        changes = []
      }
      if (!isErasure) continue
      await map.forget(event.customerId)
      tally.erased++
    }
    await carryOut(changes, false)
  }
  for (let from = 0; from < waiting.length; from += changesAtOnce) {
    await carryOut(waiting.slice(from, from + changesAtOnce), true)
  }
  return tally
}

/** The events of a partition that count for aliases, until where the log ended at first. */
async function* eventsFrom(
  log: IdentityLog,
  partition: number,
  next: number,
  signal: AbortSignal,
): AsyncGenerator<{ readonly event: Event; readonly appendTime: number }> {
  const { start, end } = await log.events.bounds(partition)
  for (let from = Math.max(start, next); from < end; ) {
    if (signal.aborted)
      throw new BackupError('interrupted', 'The restore was stopped; no engine starts on it. Run it again.')
    const records = await log.events.read(partition, from, { maxBytes: readBytes, maxRecords: readRecords })
    const own = records.filter(({ offset }) => offset < end)
    const last = own.at(-1)
    if (last === undefined) return
    from = last.offset + 1
    const said = own.filter((record) => log.signature?.verify(record) ?? true)
    await log.codecs.learnEvents(
      said.map(({ value }) => value),
      learnWithinMs,
    )
    for (const record of said) {
      const event = eventOf(log, partition, record)
      if (event !== null) yield { event, appendTime: record.appendTime }
    }
  }
}

function eventOf({ codecs, events }: IdentityLog, partition: number, { value }: LogRecord): Event | null {
  const decoded = codecs.events.decode(value)
  if (decoded.kind !== 'ok' || partitionOf(decoded.event.customerId, events.partitions) !== partition) return null
  return decoded.event
}

/** The door has sealed the alias and refused what does not count. */
function changeOf({ type, customerId, time, data }: Event, appendTime: number): IdentityChange | null {
  const kind = type === 'identity.linked' ? 'link' : type === 'identity.unlinked' ? 'unlink' : null
  const alias = data['alias']
  if (kind === null || typeof alias !== 'string' || !isSealedAlias(alias)) return null
  return { kind, alias, customerId, at: Math.min(time, appendTime) }
}
