/** Hands the moments of the bank to the engine, the way a sender would. */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { Engine } from '../../engine/compose.ts'
import type { Position } from '../../engine/shard/shards.ts'
import type { RejectReason } from '../../ingest/event.ts'
import type { IntakeItem } from '../../ingest/intake-item.ts'
import type { EventMoment, RawMoment } from '../workload/moment.ts'

/** What became of a moment at the door. */
export type Handed =
  | { readonly kind: 'appended'; readonly position: Position }
  | { readonly kind: 'rejected'; readonly reason: RejectReason }

/** Most moments of one call: the intake takes at most 10,000. */
const chunk = 2_000

/**
 * Submits moments in their order; one answer each. The log takes an event at the instant of its moment.
 * @throws LogError when the log refuses
 */
export async function submitMoments(
  engine: Pick<Engine, 'intake'>,
  moments: readonly (EventMoment | RawMoment)[],
): Promise<readonly Handed[]> {
  const handed: Handed[] = []
  for (let from = 0; from < moments.length; from += chunk) {
    const results = await engine.intake.submit(moments.slice(from, from + chunk).map(itemOf), 'demo')
    for (const result of results) {
      if (result.kind === 'rejected') handed.push({ kind: 'rejected', reason: result.reason })
      else handed.push({ kind: 'appended', position: { partition: result.partition, offset: result.offset } })
    }
  }
  return handed
}

/**
 * Submits what happened before the day, as fast as it goes, and waits until all of it is committed and published.
 * @returns how many were sent
 */
export async function playHistory(
  engine: Pick<Engine, 'intake' | 'shards'>,
  history: Iterable<EventMoment>,
  signal: AbortSignal,
): Promise<number> {
  let sent = 0
  let waiting: EventMoment[] = []
  const send = async (): Promise<void> => {
    const handed = await submitMoments(engine, waiting)
    assert(
      handed.every((one) => one.kind === 'appended'),
      'the bank tells its history without mistakes',
    )
    sent += waiting.length
    waiting = []
  }
  for (const moment of history) {
    waiting.push(moment)
    if (waiting.length === chunk) await send()
    if (signal.aborted) return sent
  }
  await send()
  await engine.shards.drained()
  return sent
}

function itemOf(moment: EventMoment | RawMoment): IntakeItem {
  if (moment.kind === 'event') return { kind: 'event', event: moment.event, appendTime: moment.at }
  const { format, bytes } = moment
  return format === 'avro' ? { kind: 'avro', bytes } : { kind: 'json', value: parsed(bytes), bytes }
}

/** What a JSON parser makes of the bytes; undefined when they are cut off, which the intake refuses as undecodable. */
function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return undefined
  }
}
