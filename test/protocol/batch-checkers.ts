import type { Batch } from '../../sinks/batch.ts'
import { decodeBatch } from '../../sinks/batch-codec.ts'
import { contentOf, type Evidence } from './evidence.ts'

/**
 * What each commit was made from is told once: no number has two contents, none of the commits that count is missing, and each begins where
 * the one before it ended. The last ends where the header says; offsets jump where the log has holes, so records do not say it.
 */
export function oneBatchACommit({ batches, metas, events }: Pick<Evidence, 'batches' | 'metas' | 'events'>): string[] {
  return batches.flatMap((records, partition) => {
    const found: string[] = []
    const contents = new Map<number, string>()
    const told = new Map<number, Batch>()
    for (const { value } of records) {
      const batch = decodeBatch(value)
      const before = contents.get(batch.seq)
      if (before !== undefined && before !== contentOf(value))
        found.push(`batch ${batch.seq} of partition ${partition} has two contents`)
      contents.set(batch.seq, contentOf(value))
      told.set(batch.seq, batch)
    }
    const logged = events[partition] ?? []
    let at = logged.length
    let next = metas[partition]?.next ?? 0
    const last = logged.at(-1)?.offset ?? -1
    if (last >= next) found.push(`the header of partition ${partition} stands at ${next}, the log goes on to ${last}`)
    for (let seq = metas[partition]?.seq ?? 0; seq > 0; ) {
      const batch = told.get(seq)
      if (batch === undefined) {
        found.push(`batch ${seq} of partition ${partition} was never told`)
        break
      }
      if (batch.next !== next)
        found.push(`batch ${seq} of partition ${partition} ends at ${batch.next}, not at ${next}`)
      const { kind, from } = batch
      const behind = at
      while (at > 0 && (logged[at - 1]?.offset ?? -1) >= from) at--
      if (kind === 'step' && batch.events !== behind - at)
        found.push(`batch ${seq} of partition ${partition} took ${batch.events} events, not ${behind - at}`)
      next = from
      seq = batch.prev
    }
    return found
  })
}
