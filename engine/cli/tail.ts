/** `proffer tail`: follow the decisions as they leave. */
import type { Client } from './client.ts'
import { isRecord, problemText } from './client.ts'
import { instant } from './print.ts'

export type TailOptions = {
  /** From the oldest decision kept instead of from now. */
  readonly fromStart: boolean
  /** End after this many; Infinity: follow until stopped. */
  readonly limit: number
  readonly json: boolean
  readonly signal: AbortSignal
}

const pageSize = 500
const idleMs = 250

/** Prints decisions until the limit, the end of the signal, or an error (exit code 1). */
export async function tailDecisions(client: Client, options: TailOptions): Promise<number> {
  let cursor = options.fromStart ? 'start' : 'end'
  let left = options.limit
  while (left > 0 && !options.signal.aborted) {
    const query = new URLSearchParams({ cursor, limit: String(Math.min(pageSize, left)) })
    const reply = await client.get(`/v1/tail?${query}`)
    if (reply.status !== 200 || !isRecord(reply.body) || !Array.isArray(reply.body['decisions'])) {
      process.stderr.write(`${problemText(reply)}\n`)
      return 1
    }
    const decisions = reply.body['decisions'].filter(isRecord)
    for (const decision of decisions)
      process.stdout.write(`${options.json ? JSON.stringify(decision) : line(decision)}\n`)
    left -= decisions.length
    cursor = String(reply.body['cursor'])
    if (decisions.length === 0) {
      // Without --limit a tail follows for ever; with it, the end of what there is does not end it either.
      await new Promise((resolve) => setTimeout(resolve, idleMs))
    }
  }
  return 0
}

function line(decision: Readonly<Record<string, unknown>>): string {
  const offers = Array.isArray(decision['offers'])
    ? decision['offers'].filter(isRecord).map((item) => String(item['offer']))
    : []
  const at = typeof decision['now'] === 'number' ? instant(decision['now']) : '-'
  const recalls = Array.isArray(decision['recalls']) ? decision['recalls'].map(String) : []
  const about = recalls.length > 0 ? `decision ${recalls.join(', ')}...` : 'nothing'
  const what = offers.length > 0 ? offers.join(', ') : about
  const { id, customerId, outcome, reason } = decision
  const placement = decision['placement'] === '' ? '-' : decision['placement']
  const why = reason === outcome ? '' : ` (${reason})`
  return `${at}  ${id}  ${customerId}  ${placement}  ${outcome}${why}: ${what}`
}
