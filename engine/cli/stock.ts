/** `proffer stock`: what is left of what there is only so much of. */
import type { Client } from './client.ts'
import { isRecord, problemText } from './client.ts'
import { table } from './print.ts'

/** Prints the resources of the pack in force; exit code 1 when of one of them nothing is known, or more is promised than there is. */
export async function showStock(client: Client, asJson: boolean): Promise<number> {
  const reply = await client.get('/v1/stock')
  const stock = isRecord(reply.body) ? reply.body['stock'] : undefined
  if (reply.status !== 200 || !Array.isArray(stock)) {
    process.stderr.write(`${problemText(reply)}\n`)
    return 1
  }
  const rows = stock.filter(isRecord)
  if (asJson) process.stdout.write(`${JSON.stringify(reply.body)}\n`)
  else if (rows.length === 0) process.stdout.write('The pack has no resources.\n')
  else
    process.stdout.write(
      `${table(['resource', 'units', 'left', 'reserved', 'confirmed', 'oversold', 'what'], rows.map(lineOf))}\n`,
    )
  return rows.some(({ left, oversold }) => typeof left !== 'number' || oversold !== 0) ? 1 : 0
}

function lineOf(row: Readonly<Record<string, unknown>>): (string | number)[] {
  const known = (value: unknown) => (typeof value === 'number' ? value : 'unknown')
  const { text } = row
  return [
    String(row['resource']),
    known(row['units']),
    known(row['left']),
    known(row['reserved']),
    known(row['confirmed']),
    known(row['oversold']),
    isRecord(text) ? String(text['en']) : '',
  ]
}
