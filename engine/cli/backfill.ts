/** `proffer backfill`: fill in the past of features that a pack added, and follow it. */
import { setTimeout } from 'node:timers/promises'
import type { Client } from './client.ts'
import { isRecord, problemText } from './client.ts'
import { instant, table } from './print.ts'

export type BackfillOptions = {
  /** Halted by then when it is not done. */
  readonly hours: number
  readonly json: boolean
  /** Ends the following; the backfill goes on. */
  readonly signal: AbortSignal
}

const lookEveryMs = 500

/** Begins or goes on and follows to the end; exit code 1 when it is not done by then. */
export async function fillPast(client: Client, { hours, json, signal }: BackfillOptions): Promise<number> {
  let reply = await client.post(`/v1/backfill?hours=${hours}`, {})
  let shown = ''
  for (;;) {
    if (reply.status !== 200 || !isRecord(reply.body)) return refused(problemText(reply))
    const { state, problem } = reply.body
    const line = progressOf(reply.body)
    if (state === 'running' && line !== shown) process.stderr.write(`${line}\n`)
    shown = line
    if (state !== 'running') {
      show(reply.body, json)
      return state === 'nothing' ? 0 : refused(typeof problem === 'string' ? problem : openSentence)
    }
    await setTimeout(lookEveryMs, null, { signal }).catch(() => null)
    if (signal.aborted) {
      return refused('The engine goes on with it as long as it runs. `proffer backfill --halt` halts it.')
    }
    reply = await client.get('/v1/backfill')
  }
}

const openSentence = 'Some features are not filled: run `proffer backfill` for them.'

/** Shows how far it is, or halts it first; exit code 1 when a feature is not filled. */
export async function lookAtBackfill(client: Client, how: 'show' | 'halt', json: boolean): Promise<number> {
  const reply = how === 'halt' ? await client.post('/v1/backfill/halt', {}) : await client.get('/v1/backfill')
  if (reply.status !== 200 || !isRecord(reply.body)) return refused(problemText(reply))
  show(reply.body, json)
  const { state, problem } = reply.body
  if (!json && typeof problem === 'string') process.stdout.write(`${problem}\n`)
  return how === 'halt' || state === 'nothing' ? 0 : 1
}

function show(status: Readonly<Record<string, unknown>>, asJson: boolean): void {
  if (asJson) {
    process.stdout.write(`${JSON.stringify(status)}\n`)
    return
  }
  const features = Array.isArray(status['features']) ? status['features'].filter(isRecord) : []
  if (features.length === 0) {
    process.stdout.write('Every feature was there from the first start: there is nothing to fill.\n')
    return
  }
  const at = (value: unknown) => (typeof value === 'number' ? instant(value) : 'never')
  const rows = features.map((one) => [
    String(one['feature']),
    String(one['state']),
    at(one['since']),
    at(one['completeFrom']),
    typeof one['missing'] === 'string' ? one['missing'] : 'nothing',
  ])
  process.stdout.write(`${table(['feature', 'state', 'known since', 'complete from', 'missing'], rows)}\n`)
  if (status['state'] !== 'nothing') process.stdout.write(`${progressOf(status)}\n`)
}

function progressOf({ state, percent, partitions, problem }: Readonly<Record<string, unknown>>): string {
  const { done, of } = isRecord(partitions) ? partitions : {}
  const why = state === 'running' && typeof problem === 'string' ? ` (${problem})` : ''
  return `${state}: ${percent} %, ${done} of ${of} partitions done${why}`
}

function refused(text: string): number {
  process.stderr.write(`${text}\n`)
  return 1
}
