/** `proffer erase CUSTOMER` and `proffer erasure CUSTOMER`: gone, and the receipt of it. */
import { z } from 'zod'
import type { Client, ClientReply } from './client.ts'
import { problemText } from './client.ts'
import { instant, table } from './print.ts'

const Receipt = z.object({
  customerId: z.string(),
  state: z.enum(['none', 'pending', 'done']),
  erasedAt: z.number().nullable(),
  refusedUntil: z.number().nullable(),
  asOf: z.number(),
  stores: z.array(
    z.object({
      store: z.string(),
      state: z.string(),
      left: z.number().nullable(),
      goneBy: z.number().nullable(),
      says: z.string(),
      verify: z.string(),
    }),
  ),
})

/** Erases a customer. Exit code 0: carried out, 1: refused, failed or not committed yet. */
export async function eraseCustomer(
  client: Client,
  customerId: string,
  options: { readonly ground: string | undefined; readonly json: boolean },
): Promise<number> {
  const { ground } = options
  const path = `/v1/customers/${encodeURIComponent(customerId)}/erase?deadlineMs=30000`
  const reply = await client.post(path, ground === undefined ? {} : { ground })
  if (reply.status === 202) {
    process.stderr.write(
      `The erasure is in the log and will be carried out; it was not committed in time. See \`proffer erasure ${customerId}\`.\n`,
    )
    return 1
  }
  return printReceipt(reply, options.json) === null ? 1 : 0
}

/** Prints the receipt. Exit code 0: everything is gone or will be by a date, 1: not so. */
export async function showErasure(client: Client, customerId: string, asJson: boolean): Promise<number> {
  const reply = await client.get(`/v1/customers/${encodeURIComponent(customerId)}/erasure`)
  return printReceipt(reply, asJson) === 'done' ? 0 : 1
}

function printReceipt(reply: ClientReply, asJson: boolean): 'none' | 'pending' | 'done' | null {
  const receipt = Receipt.safeParse(reply.body)
  if (reply.status !== 200 || !receipt.success) {
    process.stderr.write(`${problemText(reply)}\n`)
    return null
  }
  process.stdout.write(asJson ? `${JSON.stringify(receipt.data)}\n` : receiptText(receipt.data))
  return receipt.data.state
}

function receiptText({ customerId, state, erasedAt, refusedUntil, stores }: z.infer<typeof Receipt>): string {
  if (erasedAt === null) return `${customerId}: no erasure is known.\n`
  const until = refusedUntil === null ? '' : `; nothing of the customer is taken until ${instant(refusedUntil)}`
  const verifying = stores.filter(({ verify }) => verify !== '' && !verify.startsWith('proffer erasure '))
  const lines = [
    `${customerId}  erased at ${instant(erasedAt)}${until}`,
    state === 'done' ? 'Done: everything is gone, or will be by the date given.' : 'Not done yet: ask again.',
    '',
    table(
      ['store', 'state', 'left', 'gone by', ''],
      stores.map(({ store, state: found, left, goneBy, says }) => [
        store,
        found.replace('_', ' '),
        left === null ? '' : String(left),
        goneBy === null ? '' : instant(goneBy),
        says,
      ]),
    ),
    '',
    'See for yourself:',
    ...verifying.map(({ store, verify }) => `  ${store}: ${verify}`),
  ]
  return `${lines.join('\n')}\n`
}
