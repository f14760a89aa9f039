/** Routes of replays: one decision computed again, or every decision of a day compared with what left. */
import { Temporal } from 'temporal-polyfill'
import type { CompiledPack } from '../../rules/compiled.ts'
import type { Codecs } from '../../sinks/codecs.ts'
import type { Decision } from '../../sinks/decision.ts'
import { openCustomerRecords } from '../../sinks/history/customer-records.ts'
import { HistoryError } from '../../sinks/history/history.ts'
import type { History } from '../../sinks/history/start-history.ts'
import { replayDecision } from '../replay/replay-decision.ts'
import type { ReplayJobs } from '../replay/replay-jobs.ts'
import { type KeptPacks, ReplayPacks } from '../replay/replay-packs.ts'
import { decisionSentence, deviationSentence, holeSentence } from '../replay/replay-words.ts'
import { replays } from './access.ts'
import type { HttpReply, HttpRequest, Route } from './http.ts'
import { json, later, problem } from './http.ts'

export type ReplayRouteParts = {
  readonly jobs: Pick<ReplayJobs, 'status' | 'begin' | 'halt'>
  readonly history: History | null
  readonly historyOff: string
  readonly kept: KeptPacks
  readonly codecs: Codecs
  readonly partitions: number
  readonly salt: string
  /** Packs that are compiled already: those of most decisions that anybody asks about. */
  readonly compiled: () => readonly CompiledPack[]
  /** IANA zone in which a day is told. */
  readonly zone: () => string
}

const dayMs = 86_400_000
const spanDaysMax = 366

/** Decisions that are computed again at the same time. */
const decisionsAtOnce = 2

export function replayRoutes(parts: ReplayRouteParts): readonly Route[] {
  let running = 0
  const bounded = async (id: string): Promise<HttpReply> => {
    if (running >= decisionsAtOnce)
      return problem('busy', `${decisionsAtOnce} decisions are computed again already. Ask again when they are done.`)
    running++
    try {
      return await one(parts, id)
    } finally {
      running--
    }
  }
  return [
    {
      method: 'GET',
      path: '/v1/decisions/:id/replay',
      access: replays,
      handle: later((request) => bounded(request.params[0] ?? '')),
    },
    { method: 'GET', path: '/v1/replays', access: replays, handle: later(async () => status(parts)) },
    { method: 'POST', path: '/v1/replays', access: replays, handle: later(async (request) => begin(parts, request)) },
    {
      method: 'POST',
      path: '/v1/replays/halt',
      access: replays,
      handle: later(async () => {
        parts.jobs.halt()
        return status(parts)
      }),
    },
  ]
}

async function one(parts: ReplayRouteParts, id: string): Promise<HttpReply> {
  if (!/^[0-9a-f]{32}$/.test(id)) return problem('query_invalid', 'A decision id is 32 hex digits.')
  const { history, kept, codecs, salt, partitions, compiled } = parts
  const address = history?.address() ?? null
  if (history === null || address === null) return problem('history_off', parts.historyOff)
  let left: Decision | null
  try {
    left = await history.decision(id)
    if (left === null)
      return problem(
        'decision_unknown',
        'History lags by about a second: ask again, or check the id. Of a customer who was erased there is nothing to compute.',
      )
    const records = openCustomerRecords(address, { partitions, customerId: left.customerId })
    try {
      const found = await replayDecision(
        { source: records, packs: new ReplayPacks(kept, compiled()), codecs, salt },
        left,
      )
      return json(200, { id, packHash: left.packHash, ...found, sentence: decisionSentence(found) })
    } finally {
      await records.close()
    }
  } catch (cause) {
    if (cause instanceof HistoryError) return problem('history_off', `${cause.message}. Ask again in a moment.`)
    throw cause
  }
}

function status({ jobs }: ReplayRouteParts): HttpReply {
  if (jobs.status === null)
    return problem('not_found', 'Nothing was replayed since the start; POST /v1/replays begins it.')
  const { deviations, holes, ...rest } = jobs.status
  return json(200, {
    ...rest,
    deviations: deviations.map((one) => ({ ...one, sentence: deviationSentence(one) })),
    holes: holes.map((one) => ({ ...one, sentence: holeSentence(one) })),
  })
}

function begin(parts: ReplayRouteParts, request: HttpRequest): HttpReply {
  const span = spanOf(request, parts.zone())
  if (typeof span === 'string') return problem('query_invalid', span)
  const begun = parts.jobs.begin(span.from, span.to)
  switch (begun.kind) {
    case 'begun':
      return json(202, begun.status)
    case 'busy':
      return problem('already_running', 'A replay runs on this node already. Wait for it, or halt it.')
    case 'no_history':
      return problem('history_off', parts.historyOff)
    default:
      return begun satisfies never
  }
}

/** The stretch that is asked for, or what is wrong with it. */
function spanOf({ query }: HttpRequest, zone: string): { readonly from: number; readonly to: number } | string {
  const day = query.get('day')
  try {
    if (day !== undefined) {
      const date = Temporal.PlainDate.from(day)
      const start = (one: Temporal.PlainDate): number => one.toZonedDateTime(zone).epochMilliseconds
      return { from: start(date), to: start(date.add({ days: 1 })) }
    }
    const [from, to] = [query.get('from') ?? '', query.get('to') ?? ''].map(
      (text) => Temporal.Instant.from(text).epochMilliseconds,
    )
    if (from === undefined || to === undefined || from >= to) return 'from has to be before to.'
    return to - from > spanDaysMax * dayMs ? `At most ${spanDaysMax} days at once.` : { from, to }
  } catch {
    return "Give day=YYYY-MM-DD (in the bank's zone), or from and to as instants such as 2026-11-25T00:00:00Z."
  }
}
