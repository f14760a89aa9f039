/**
 * Goal: a process that stood still while it published lets nothing more of that commit out, as others may have gone on from a state
 * without it. Method: the logs are lists, and the standstill happens while one of them takes a record.
 */
import { expect, test } from 'vitest'
import { encodeOutbox } from '../../../engine/shard/outbox.ts'
import { Publisher } from '../../../engine/shard/publisher.ts'
import type { NewRecord } from '../../../ingest/log.ts'
import { encodeDecision } from '../../../sinks/decision-codec.ts'
import { offering } from '../../sinks/history/history-world.ts'

/** A publisher, and what left; `onDecisions` happens while the decisions log takes something. */
function publisher(onDecisions: () => void) {
  const decisions: NewRecord[] = []
  const batches: NewRecord[] = []
  const settled: string[] = []
  let isCertain = true
  const logOf = (records: NewRecord[], meanwhile: () => void) => ({
    append: async (_: number, some: readonly NewRecord[]) => {
      meanwhile()
      records.push(...some)
      return { firstOffset: records.length - some.length, lastOffset: records.length - 1 }
    },
  })
  const one = new Publisher({
    partition: 0,
    decisions: logOf(decisions, onDecisions),
    batches: logOf(batches, () => {}),
    deadLetters: { put: async () => {} },
    settler: { settle: async (all) => void settled.push(...all.map(({ id }) => id)) },
    timing: { elapsed: () => 0, sleep: async () => {}, after: () => () => {}, soon: (run) => run() },
    failpoint: () => {},
  })
  one.restart({ published: 0, dpos: 0 }, { isCertain: () => isCertain, until: () => null })
  return { one, decisions, batches, settled, standStill: () => (isCertain = false) }
}

function commit(seq: number): Uint8Array | null {
  const made = offering(seq)
  return encodeOutbox({
    ...{ seq, now: 1, pack: 'p', from: seq, next: seq + 1, deadLetters: [], duplicates: [] },
    decisions: [{ customerId: made.customerId, bytes: encodeDecision(made) }],
    settlements: [{ kind: 'confirm', resource: 'gift', id: `claim-${seq}`, amount: 1 }],
    batch: Uint8Array.of(seq),
  })
}

test('a commit whose decisions left before a standstill ends there: not told, not settled, not counted as published', async () => {
  const there = publisher(() => there.standStill())
  there.one.add(1, commit(1))
  there.one.add(2, commit(2))
  await there.one.idle()
  const left = { decisions: there.decisions.length, batches: there.batches.length, settled: there.settled }
  expect(left).toEqual({ decisions: 1, batches: 0, settled: [] })
  expect(there.one.published).toBe(0)
})

test('without a standstill all of it leaves, in the order of the commits', async () => {
  const { one, decisions, batches, settled } = publisher(() => {})
  one.add(1, commit(1))
  one.add(2, commit(2))
  await one.idle()
  expect(decisions.map(({ headers }) => headers?.['seq'])).toEqual(['1', '2'])
  expect(batches.map(({ key }) => key)).toEqual(['1', '2'])
  expect(settled).toEqual(['claim-1', 'claim-2'])
  expect(one.published).toBe(2)
})
