/**
 * Explains an event after the fact: replays the customer's own events from the log through the pure step on a state of its
 * own, up to the event, and explains what that led to. Touches nothing of the running engine.
 */
import { setImmediate } from 'node:timers/promises'
import type { Log } from '../../ingest/log.ts'
import { partitionOf } from '../../ingest/partition.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import type { LoadedLearned } from '../../rules/learned-table.ts'
import type { Codecs } from '../../sinks/codecs.ts'
import { createStates } from '../state/flat-states.ts'
import { beginStock } from '../step/funnel/stock.ts'
import { nothingKnown } from '../step/funnel/stock-view.ts'
import { createStepContext, productionFilters } from '../step/step-context.ts'
import { stepEvent } from '../step/step-event.ts'
import { explainEvent } from './explain-event.ts'

export type ReplayParts = {
  readonly events: Log
  readonly codecs: Codecs
  /** The pack in force. */
  readonly pack: CompiledPack
  readonly salt: string
  /** The learned propensities in force. */
  readonly learned: LoadedLearned | null
  /** Since when each series of the pack's layout is observed, see `States`. */
  readonly observedSince: readonly number[]
}

export type ReplayQuestion = {
  readonly customerId: string
  readonly eventId: string
  readonly language: 'en' | 'zh'
}

const learnWithinMs = 5_000
const pageRecords = 4_096
const pageBytes = 4 * 1024 * 1024
const replayCacheBytes = 16 * 1024 * 1024

/**
 * The explanation, or null when the log holds no such event of the customer (any more).
 *
 * Exact for features, attributes and suppressions as far back as the log reaches; contacts reserved by live requests are
 * not in the log, so a cap may read lower than it was; that an event was poison is not in it either, so it is taken like any other; neither is what was left of resources, of which there is enough here. Uses the pack in force, which the explanation names. Cost: one pass
 * over the customer's partition of the log, only the customer's own records are decoded.
 */
export async function replayEvent(parts: ReplayParts, question: ReplayQuestion): Promise<readonly string[] | null> {
  const { events, codecs, pack } = parts
  const partition = partitionOf(question.customerId, events.partitions)
  const states = createStates(pack.layout, { maxBytes: replayCacheBytes, observedSince: parts.observedSince })
  const context = createStepContext(pack, states, parts.salt, productionFilters, parts.learned)
  const left = pack.loaded.model.resources.map(() => Number.POSITIVE_INFINITY)
  beginStock({ left, ...nothingKnown }, context.run)
  states.begin(partition)
  const slot = states.load(partition, question.customerId, null)
  const bounds = await events.bounds(partition)
  let now = 0
  let offset = bounds.start
  while (offset < bounds.end) {
    const page = await events.read(partition, offset, { maxBytes: pageBytes, maxRecords: pageRecords })
    const last = page.at(-1)
    if (last === undefined) break
    offset = last.offset + 1
    // Reading does not wait for anything: without this, a long log would hold up every request until its end.
    await setImmediate()
    const own = page.filter((record) => record.key === question.customerId)
    await codecs.learnEvents(
      own.map((record) => record.value),
      learnWithinMs,
    )
    for (const record of own) {
      const decoded = codecs.events.decode(record.value)
      if (decoded.kind !== 'ok') continue
      now = Math.max(now, record.appendTime)
      const input = { event: decoded.event, acceptedAt: record.appendTime, now }
      const outcome = stepEvent(context, slot, input)
      if (decoded.event.id !== question.eventId) continue
      const words = explainEvent(context, slot, input, outcome, question.language)
      return bounds.start === 0 ? words : [...words, truncated[question.language]]
    }
  }
  return null
}

const truncated = {
  en: 'The oldest records of the log are past their retention: features that reach further back may have been higher.',
  zh: '日志中最早的记录已过保留期：回溯更久的特征当时可能更高。',
} as const
