/** `proffer explain`: a decision in words, or why an event led to nothing. */
import type { Client } from './client.ts'
import { isRecord, problemText } from './client.ts'

export type ExplainOptions = { readonly language: string | undefined; readonly json: boolean }

/** Who the explanation is for: `customer`, `manager` or `staff`. */
export type ForWhom = { readonly audience: string }

/** Explains a decision by id. A decision of the last second may not be in the history yet: asks again for a while. */
export async function explainDecision(client: Client, id: string, options: ExplainOptions & ForWhom): Promise<number> {
  const query = new URLSearchParams({ for: options.audience })
  if (options.language !== undefined) query.set('language', options.language)
  let reply = await client.get(`/v1/decisions/${encodeURIComponent(id)}?${query}`)
  for (let tries = 0; tries < 5 && isNotYet(reply.body); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    reply = await client.get(`/v1/decisions/${encodeURIComponent(id)}?${query}`)
  }
  return print(reply, options.json)
}

/** Explains what an event of a customer led to, also when that was nothing. */
export async function explainEvent(
  client: Client,
  cause: { readonly customer: string; readonly event: string },
  options: ExplainOptions,
): Promise<number> {
  const query = new URLSearchParams(cause)
  if (options.language !== undefined) query.set('language', options.language)
  return print(await client.get(`/v1/explain?${query}`), options.json)
}

function isNotYet(body: unknown): boolean {
  return isRecord(body) && body['code'] === 'decision_unknown'
}

function print(reply: { readonly status: number; readonly body: unknown }, asJson: boolean): number {
  if (reply.status !== 200 || !isRecord(reply.body)) {
    process.stderr.write(`${problemText(reply)}\n`)
    return 1
  }
  const words = reply.body['explanation']
  if (asJson) process.stdout.write(`${JSON.stringify(reply.body)}\n`)
  else if (Array.isArray(words)) process.stdout.write(`${words.join('\n')}\n`)
  return 0
}
