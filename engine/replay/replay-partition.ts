/** Reads a partition's records and steps them again, with holes found and named. */
import type { Batch } from '../../sinks/batch.ts'
import type { Hole, RecordedEvent, RecordedSource, ReplayedBatch } from './recorded.ts'
import type { ReplayPacks } from './replay-packs.ts'
import type { Replayer } from './replayer.ts'

export type PartitionReplay = {
  readonly source: RecordedSource
  readonly partition: number
  readonly replayer: Pick<Replayer, 'step'>
  readonly packs: Pick<ReplayPacks, 'load'>
  /** Whom the source gives: everybody, or one customer, whose source is asked for gaps (`CustomerSource`): then none is looked for here. */
  readonly reads: 'everybody' | 'one_customer'
  /** Batches above this number are not read; absent: all there are. */
  readonly lastSeq?: number
}

/** Batches that are read at once, and about how many events go with a group of them. */
const pageBatches = 256
const groupEvents = 32_768
const pageEvents = 32_768

type Group = { readonly batches: readonly Batch[]; readonly events: readonly RecordedEvent[] }

/**
 * Steps the batches of a partition from the beginning of the record, page by page, the next page read meanwhile. Ends where the record
 * ends, or where a pack is not kept.
 * @throws what the source throws, ReplayMemoryError
 */
export async function* replayPartition(replay: PartitionReplay): AsyncGenerator<ReplayedBatch> {
  const { source, partition, replayer, packs } = replay
  const mayMiss = await source.mayMiss(partition)
  const isWhole = replay.reads === 'everybody'
  let seq = 0
  for await (const { batches, events } of ahead(groupsOf(replay))) {
    let at = 0
    for (const batch of batches) {
      const holes: Hole[] = []
      if (isWhole && batch.prev !== seq)
        holes.push(
          seq === 0
            ? { kind: 'begins_later', partition, seq: batch.seq }
            : { kind: 'batches_missing', partition, after: seq, before: batch.seq },
        )
      seq = batch.seq
      const missing = await missingPack(packs, batch)
      if (missing !== null) {
        yield { batch, decisions: [], holes: [...holes, { kind: 'pack_not_kept', partition, hash: missing }] }
        return
      }
      const from = at
      while (at < events.length && (events[at]?.offset ?? 0) < batch.next) at++
      const own = batch.kind === 'step' ? events.slice(from, at).filter(({ offset }) => offset >= batch.from) : []
      const hole = isWhole && !mayMiss ? missingEvents(batch, own) : null
      if (hole !== null) holes.push(hole)
      const { adopted, filled, lacking } = await besides(replay, batch, mayMiss)
      yield { batch, decisions: replayer.step(batch, { events: own, adopted, filled }), holes: [...holes, ...lacking] }
    }
  }
}

/** Batches that count, with their events, about as many at a time as memory should hold. */
async function* groupsOf(replay: PartitionReplay): AsyncGenerator<Group> {
  const { source, partition, lastSeq = Number.POSITIVE_INFINITY } = replay
  const lost = await source.lost(partition)
  for (let after = 0; ; ) {
    const page = await source.batches(partition, after, pageBatches)
    const last = page.at(-1)
    if (last === undefined) return
    after = last.seq
    const counting = page.filter(
      ({ seq }) => seq <= lastSeq && !lost.some((stretch) => seq > stretch.from && seq < stretch.to),
    )
    let group: Batch[] = []
    let size = 0
    for (const batch of counting) {
      group.push(batch)
      size += batch.next - batch.from
      if (size < groupEvents) continue
      yield await groupOf(replay, group)
      group = []
      size = 0
    }
    if (group.length > 0) yield await groupOf(replay, group)
    if (after >= lastSeq) return
  }
}

async function groupOf(replay: PartitionReplay, batches: readonly Batch[]): Promise<Group> {
  const from = batches[0]?.from ?? 0
  const to = batches.at(-1)?.next ?? from
  return { batches, events: await eventsIn(replay.source, replay.partition, from, to) }
}

async function eventsIn(
  source: RecordedSource,
  partition: number,
  from: number,
  to: number,
): Promise<readonly RecordedEvent[]> {
  const events: RecordedEvent[] = []
  for (let at = from; at < to; ) {
    const page = await source.events(partition, at, to, pageEvents)
    events.push(...page)
    if (page.length < pageEvents) break
    at = (page.at(-1)?.offset ?? to) + 1
  }
  return events
}

/** Reads one group ahead of who steps them. */
async function* ahead(groups: AsyncGenerator<Group>): AsyncGenerator<Group> {
  let next = groups.next()
  for (;;) {
    const { value, done } = await next
    if (done === true) return
    next = groups.next()
    // Should nobody come for it any more, its failure is nobody's.
    next.catch(() => undefined)
    yield value
  }
}

async function missingPack(packs: Pick<ReplayPacks, 'load'>, { steps }: Batch): Promise<string | null> {
  for (const { form } of steps) {
    const missing = form === null ? null : await packs.load(form)
    if (missing !== null) return missing
  }
  return null
}

function missingEvents({ kind, partition, from, next, events }: Batch, own: readonly RecordedEvent[]): Hole | null {
  const count = kind === 'step' ? events - own.length : 0
  return count === 0 ? null : { kind: 'events_missing', partition, from, to: next, count }
}

/** What a batch outside of a step needs. */
async function besides(replay: PartitionReplay, batch: Batch, mayMiss: boolean) {
  const { source, partition, reads } = replay
  const { kind, adopted: ids, filled, seq } = batch
  const nothing = { adopted: [], filled: [], lacking: [] }
  if (kind === 'adopt' && ids.length > 0) {
    const found = await source.decisions(partition, ids)
    const adopted = ids.flatMap((id) => found.get(id) ?? [])
    const isWhole = adopted.length === ids.length || mayMiss
    const lacking: Hole[] = isWhole ? [] : [{ kind: 'adopted_missing', partition, seq }]
    return { ...nothing, adopted, lacking }
  }
  if (kind === 'fill' && filled !== null && filled.offsets.length > 0) {
    const wanted = new Set(filled.offsets)
    const all = await eventsIn(source, partition, filled.from, filled.to)
    const events = all.filter(({ offset }) => wanted.has(offset))
    const isWhole = events.length === wanted.size || mayMiss || reads === 'one_customer'
    const lacking: Hole[] = isWhole ? [] : [{ kind: 'backfilled', partition, seq }]
    return { ...nothing, filled: events, lacking }
  }
  return nothing
}
