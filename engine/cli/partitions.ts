/** `proffer partitions`: see every partition, try a closed one again. */
import type { Client } from './client.ts'
import { isRecord, problemText } from './client.ts'
import { table } from './print.ts'

/** Prints all partitions; exit code 1 when one is closed. */
export async function listPartitions(client: Client, asJson: boolean): Promise<number> {
  const reply = await client.get('/v1/partitions')
  const partitions = isRecord(reply.body) ? reply.body['partitions'] : undefined
  if (reply.status !== 200 || !Array.isArray(partitions)) {
    process.stderr.write(`${problemText(reply)}\n`)
    return 1
  }
  if (asJson) process.stdout.write(`${JSON.stringify(reply.body)}\n`)
  const rows = partitions.filter(isRecord)
  if (!asJson) {
    const number = (value: unknown) => (typeof value === 'number' ? value : 0)
    process.stdout.write(
      `${table(
        ['partition', 'state', 'node', 'seq', 'next', 'log end', 'published', 'reason'],
        rows.map((row) => [
          number(row['partition']),
          String(row['state']),
          typeof row['addr'] === 'string' ? row['addr'] : '',
          number(row['seq']),
          number(row['next']),
          number(row['end']),
          number(row['published']),
          typeof row['reason'] === 'string' ? row['reason'] : '',
        ]),
      )}\n`,
    )
  }
  return rows.some((row) => row['state'] === 'closed') ? 1 : 0
}

/**
 * Tries a closed partition again; exit code 1 when it stays closed.
 * @param how `skipLost`: go on although events that were not yet applied are gone from the log
 */
export async function reopenPartition(
  client: Client,
  partition: number,
  { skipLost, asJson }: { readonly skipLost: boolean; readonly asJson: boolean },
): Promise<number> {
  const reply = await client.post(
    `/v1/partitions/${partition}/reopen?lost=${skipLost ? 'skip_lost' : 'keep_closed'}`,
    {},
  )
  if (reply.status !== 200 || !isRecord(reply.body)) {
    process.stderr.write(`${problemText(reply)}\n`)
    return 1
  }
  const { state, reason } = reply.body
  if (asJson) process.stdout.write(`${JSON.stringify(reply.body)}\n`)
  else process.stdout.write(`partition ${partition} is ${state}${typeof reason === 'string' ? `: ${reason}` : ''}\n`)
  return state === 'closed' ? 1 : 0
}
