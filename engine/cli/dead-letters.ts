/** `proffer deadletters list | show | redrive`: what was refused, why, and handing it in again. */
import type { Client } from './client.ts'
import { isRecord, problemText } from './client.ts'
import { instant, table } from './print.ts'

/** Lists dead letters, newest first. */
export async function listDeadLetters(
  client: Client,
  options: { readonly limit: number; readonly reason: string | undefined; readonly json: boolean },
): Promise<number> {
  const query = new URLSearchParams({ limit: String(options.limit) })
  if (options.reason !== undefined) query.set('reason', options.reason)
  const reply = await client.get(`/v1/dead-letters?${query}`)
  const letters = isRecord(reply.body) ? reply.body['deadLetters'] : undefined
  if (reply.status !== 200 || !Array.isArray(letters)) return refused(problemText(reply))
  if (options.json) process.stdout.write(`${JSON.stringify(reply.body)}\n`)
  else if (letters.length === 0) process.stdout.write('There are no dead letters.\n')
  else {
    const rows = letters
      .filter(isRecord)
      .map((letter) => [
        String(letter['id']),
        typeof letter['at'] === 'number' ? instant(letter['at']) : '-',
        String(letter['reason']),
        typeof letter['field'] === 'string' ? letter['field'] : '-',
        String(letter['via']),
        typeof letter['redrivenAt'] === 'number' && letter['redrivenAt'] > 0 ? instant(letter['redrivenAt']) : '-',
      ])
    process.stdout.write(`${table(['id', 'at', 'reason', 'field', 'via', 'redriven'], rows)}\n`)
  }
  return 0
}

/** Shows one dead letter with its bytes (as text when they are text). */
export async function showDeadLetter(client: Client, id: string, asJson: boolean): Promise<number> {
  const reply = await client.get(`/v1/dead-letters/${encodeURIComponent(id)}`)
  if (reply.status !== 200 || !isRecord(reply.body)) return refused(problemText(reply))
  if (asJson) {
    process.stdout.write(`${JSON.stringify(reply.body)}\n`)
    return 0
  }
  for (const [name, value] of Object.entries(reply.body))
    if (name !== 'bytes') process.stdout.write(`${name.padEnd(12)} ${name === 'at' ? instant(Number(value)) : value}\n`)
  const bytes = Buffer.from(String(reply.body['bytes'] ?? ''), 'base64')
  const text = bytes.toString('utf8')
  const printable = Buffer.from(text, 'utf8').equals(bytes)
  process.stdout.write(`\n${printable ? text : bytes.toString('hex').replace(/(.{64})/g, '$1\n')}\n`)
  return 0
}

/** Hands dead letters in again; exit code 1 when one was refused again. */
export async function redriveDeadLetters(client: Client, ids: readonly string[], asJson: boolean): Promise<number> {
  let code = 0
  for (const id of ids) {
    const reply = await client.post(`/v1/dead-letters/${encodeURIComponent(id)}/redrive`, {})
    if (asJson) process.stdout.write(`${JSON.stringify({ id, status: reply.status, answer: reply.body })}\n`)
    else if (reply.status === 200) process.stdout.write(`${id}: taken\n`)
    else process.stdout.write(`${id}: ${problemText(reply)}\n`)
    if (reply.status !== 200) code = 1
  }
  return code
}

function refused(text: string): number {
  process.stderr.write(`${text}\n`)
  return 1
}
