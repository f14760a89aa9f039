/** `proffer sources`: where data comes from; revoke a source, or restore it; which decisions a source influenced. */
import type { Client } from './client.ts'
import { isRecord, problemText } from './client.ts'
import { table } from './print.ts'

/** What becomes of a source, and why. */
export type SourceChange = { readonly id: string; readonly change: 'revoke' | 'restore'; readonly why: string }

/**
 * Prints the sources of the pack in force, after a change when one is given; exit code 1 when it is refused.
 * @param change null: only shows
 */
export async function showSources(client: Client, change: SourceChange | null, asJson: boolean): Promise<number> {
  const reply =
    change === null
      ? await client.get('/v1/sources')
      : await client.post(`/v1/sources/${encodeURIComponent(change.id)}/${change.change}`, { why: change.why })
  const sources = isRecord(reply.body) ? reply.body['sources'] : undefined
  if (reply.status !== 200 || !Array.isArray(sources)) {
    process.stderr.write(`${problemText(reply)}\n`)
    return 1
  }
  if (asJson) {
    process.stdout.write(`${JSON.stringify(reply.body)}\n`)
    return 0
  }
  const cells = sources.filter(isRecord).map((row) => {
    const { id, lawfulBasis, purposes, until, revoked } = row
    const ends = typeof until === 'number' ? new Date(until).toISOString() : ''
    const by = isRecord(revoked) ? `by ${String(revoked['who'])}: ${String(revoked['why'])}` : ''
    return [String(id), String(lawfulBasis), Array.isArray(purposes) ? purposes.join(', ') : '', ends, by]
  })
  process.stdout.write(`${table(['source', 'basis', 'purposes', 'until', 'revoked'], cells)}\n`)
  return 0
}

/**
 * Prints the decisions that a source influenced in the last `days`; a source may have left the pack since. Exit code 1 when
 * neither the pack in force nor the history of those days knows it: a name that was mistyped influenced nothing.
 */
export async function showInfluenced(
  client: Client,
  { id, days, now }: { readonly id: string; readonly days: number; readonly now: number },
  asJson: boolean,
): Promise<number> {
  const query = influencedBy(id, days, now)
  const reply = await client.post('/v1/sql', { query, format: asJson ? 'json' : 'table' })
  const text = isRecord(reply.body) ? reply.body['text'] : undefined
  if (reply.status !== 200 || typeof text !== 'string') {
    process.stderr.write(`${problemText(reply)}\n`)
    return 1
  }
  if (text.trim() !== '') {
    process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
    return 0
  }
  const { body } = await client.get('/v1/sources')
  const listed = isRecord(body) && Array.isArray(body['sources']) ? body['sources'].filter(isRecord) : []
  const isKnown = listed.some((source) => source['id'] === id)
  const more = isKnown ? '' : ' The pack in force has no such source either: `proffer sources` lists them.'
  process.stderr.write(`It influenced no decision of the last ${days} days.${more}\n`)
  return isKnown ? 0 : 1
}

/** The one query that lists what a source influenced in the last days. */
function influencedBy(id: string, days: number, now: number): string {
  const since = new Date(now - days * 86_400_000).toISOString().slice(0, 19).replace('T', ' ')
  const source = id.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
  return `SELECT * FROM decisions_of_source(source='${source}', since='${since}') ORDER BY decided_at DESC LIMIT 10000`
}
