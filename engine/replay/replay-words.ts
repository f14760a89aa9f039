/** What a replay found, in sentences for people. They hold no value of a customer but what a difference shows. */
import type { Hole } from './recorded.ts'
import type { DecisionReplay } from './replay-decision.ts'
import type { Deviation } from './replay-span.ts'

/** What came of computing one decision again. */
export function decisionSentence(found: DecisionReplay): string {
  switch (found.kind) {
    case 'equal':
      return `Computed again from batch ${found.seq}: the record is the same, all ${found.bytes} bytes of it.`
    case 'fallback_equal':
      return 'A node answered without its shard. Computed again from the pack alone: the record is the same.'
    case 'different':
      return found.difference === null
        ? 'Computed again, the record has other bytes, though every field reads the same.'
        : `Computed again, it differs at ${found.difference.field}: ${JSON.stringify(found.difference.left)} left, ${JSON.stringify(found.difference.replayed)} was computed.`
    case 'commit_lost':
      return 'It left with a commit that the store lost afterwards. What it did was taken over; what it was made from is no more.'
    case 'hole':
      return holeSentence(found.hole)
    case 'not_computed':
      return 'The record of batches does not lead to this decision.'
    default:
      return found satisfies never
  }
}

/** How a decision of a stretch of time came out otherwise. */
export function deviationSentence({ id, why, difference }: Deviation): string {
  if (why === 'not_computed') return `Decision ${id}: the record of batches does not lead to it.`
  if (why === 'never_left') return `Decision ${id} was computed again, but never left.`
  if (difference === null) return `Decision ${id} has other bytes, though every field reads the same.`
  const { field, left, replayed } = difference
  return `Decision ${id} differs at ${field}: ${JSON.stringify(left)} left, ${JSON.stringify(replayed)} was computed.`
}

/** What is missing, and what that means. */
export function holeSentence(hole: Hole): string {
  const where = `of partition ${hole.partition}`
  switch (hole.kind) {
    case 'begins_later':
      return `The record of batches ${where} begins with number ${hole.seq}: the states before it are not known, so nothing behind it is exact.`
    case 'batches_missing':
      return `The batches between ${hole.after} and ${hole.before} ${where} are missing: nothing behind them is exact.`
    case 'events_missing':
      return `${hole.count} events from offset ${hole.from} to ${hole.to} ${where} are missing, and no erasure explains it: nothing behind them is exact.`
    case 'pack_not_kept':
      return `The pack or learned table ${hole.hash} ${where} is not kept: nothing from there on can be computed.`
    case 'adopted_missing':
      return `Decisions that mended the states at batch ${hole.seq} ${where} are missing: nothing behind it is exact.`
    case 'backfilled':
      return `Events that a backfill read for batch ${hole.seq} ${where} are missing: nothing behind it is exact.`
    default:
      return hole satisfies never
  }
}
