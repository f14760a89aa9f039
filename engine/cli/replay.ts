/** `proffer replay`: compute a decision again, or every decision of a day. */
import { setTimeout } from 'node:timers/promises'
import { type Client, type ClientReply, isRecord, problemText } from './client.ts'

const lookEveryMs = 500

/** Computes one decision again. Exit code 1 when it is not the same, or cannot be computed. */
export async function replayDecision(client: Client, id: string, asJson: boolean): Promise<number> {
  const path = `/v1/decisions/${encodeURIComponent(id)}/replay`
  let reply = await client.get(path)
  // A decision of the last second may not be in the history yet.
  for (let tries = 0; tries < 5 && isUnknown(reply); tries++) {
    await setTimeout(1_000)
    reply = await client.get(path)
  }
  if (isUnknown(reply))
    return refused(
      'The decision is not in the history: check the id. Of a customer who was erased there is nothing to compute.',
    )
  if (reply.status !== 200 || !isRecord(reply.body)) return refused(problemText(reply))
  const { kind, sentence } = reply.body
  process.stdout.write(`${asJson ? JSON.stringify(reply.body) : String(sentence)}\n`)
  return kind === 'equal' || kind === 'fallback_equal' ? 0 : 1
}

function isUnknown({ body }: ClientReply): boolean {
  return isRecord(body) && body['code'] === 'decision_unknown'
}

export type SpanOptions = {
  /** Query of `POST /v1/replays`. */
  readonly query: string
  readonly json: boolean
  /** Halts the replay. */
  readonly signal: AbortSignal
}

/**
 * Compares every decision of a stretch of time. Exit code 1 when one is different, when nothing could be compared as something is
 * missing, or it did not come to the end; 130 when it was stopped.
 */
export async function replaySpan(client: Client, { query, json, signal }: SpanOptions): Promise<number> {
  let reply = await client.post(`/v1/replays?${query}`, {})
  let shown = ''
  for (;;) {
    if (reply.status >= 300 || !isRecord(reply.body)) return refused(problemText(reply))
    const { state } = reply.body
    const line = progressOf(reply.body)
    if (state === 'running' && line !== shown) process.stderr.write(`${line}\n`)
    shown = line
    if (state !== 'running') return end(reply.body, json)
    await setTimeout(lookEveryMs, null, { signal }).catch(() => null)
    reply = signal.aborted ? await client.post('/v1/replays/halt', {}) : await client.get('/v1/replays')
    if (signal.aborted) {
      process.stderr.write('Halted. What was compared is not kept.\n')
      return 130
    }
  }
}

function progressOf({ through, partitions, batches, equal, different }: Readonly<Record<string, unknown>>): string {
  return `partition ${Number(through) + 1} of ${partitions}, ${batches} batches of it; ${equal} equal, ${different} different so far`
}

function end(report: Readonly<Record<string, unknown>>, asJson: boolean): number {
  const { state, problem, equal, different, incomparable } = report
  const [deviations, holes] = [sentencesOf(report['deviations']), sentencesOf(report['holes'])]
  const isSame = state === 'done' && different === 0 && (equal !== 0 || holes.length === 0)
  if (asJson) {
    process.stdout.write(`${JSON.stringify(report)}\n`)
    return isSame ? 0 : 1
  }
  if (state !== 'done') return refused(typeof problem === 'string' ? problem : 'It was halted.')
  if (equal === 0 && different === 0) process.stdout.write(`No decision ${stretchOf(report)} was compared.\n`)
  else process.stdout.write(`${equal} decisions are equal to the byte, ${different} are different.\n`)
  const reasons = isRecord(incomparable) ? Object.entries(incomparable).filter(([, count]) => count !== 0) : []
  for (const [reason, count] of reasons)
    process.stdout.write(`${count} were not compared: ${reasonWords[reason] ?? reason}.\n`)
  for (const sentence of [...deviations, ...holes]) process.stdout.write(`${sentence}\n`)
  return isSame ? 0 : 1
}

/** A day is the bank's, and perhaps not the reader's. */
function stretchOf({ from, to }: Readonly<Record<string, unknown>>): string {
  if (typeof from !== 'number' || typeof to !== 'number') return 'of that time'
  return `from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}`
}

function sentencesOf(list: unknown): readonly string[] {
  return (Array.isArray(list) ? list : []).map((one: unknown) =>
    isRecord(one) ? String(one['sentence']) : String(one),
  )
}

const reasonWords: Readonly<Record<string, string>> = {
  node_fallback: 'a node answered without its shard; `proffer replay DECISION` computes them from the pack',
  commit_lost: 'the store lost their commits',
  hole: 'what they were made of is not all there',
}

function refused(sentence: string): number {
  process.stderr.write(`${sentence}\n`)
  return 1
}
