/** `proffer sql`: one read-only query over the history. */
import type { Client } from './client.ts'
import { isRecord, problemText } from './client.ts'

/** Prints the answer in the format asked for; exit code 1 when the query was refused. */
export async function runSql(client: Client, query: string, format: 'table' | 'json' | 'csv'): Promise<number> {
  const reply = await client.post('/v1/sql', { query, format })
  if (reply.status !== 200 || !isRecord(reply.body) || typeof reply.body['text'] !== 'string') {
    process.stderr.write(`${problemText(reply)}\n`)
    return 1
  }
  const { text } = reply.body
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
  return 0
}
