/** `proffer quarantine`: see the rules that are out of service on a node, put one back. */
import type { Client } from './client.ts'
import { isRecord, problemText } from './client.ts'
import { table } from './print.ts'

/**
 * Prints the quarantined rules of the node that is asked; exit code 1 when there are some, or it cannot be told.
 * @param lift name of a rule to put back into service first; null: none
 */
export async function showQuarantine(client: Client, lift: string | null, asJson: boolean): Promise<number> {
  const reply =
    lift === null
      ? await client.get('/v1/quarantine')
      : await client.post(`/v1/quarantine/lift?rule=${encodeURIComponent(lift)}`, {})
  const rules = isRecord(reply.body) ? reply.body['rules'] : undefined
  if (reply.status !== 200 || !Array.isArray(rules)) {
    process.stderr.write(`${problemText(reply)}\n`)
    return 1
  }
  const rows = rules.filter(isRecord)
  if (asJson) process.stdout.write(`${JSON.stringify(reply.body)}\n`)
  else if (rows.length === 0) process.stdout.write('no rule is quarantined\n')
  else {
    const since = (value: unknown): string => (typeof value === 'number' ? new Date(value).toISOString() : '')
    const cells = rows.map((row) => [String(row['rule']), String(row['why']), since(row['since'])])
    process.stdout.write(`${table(['rule', 'why', 'since'], cells)}\n`)
  }
  return rows.length === 0 ? 0 : 1
}
