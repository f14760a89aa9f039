/** How a copy of a customer's state crosses from node to node. */
import { z } from 'zod'
import { customerId } from '../api/schemas.ts'
import type { CustomerCopy } from '../shard/shards.ts'

const Copy = z.strictObject({
  customerId,
  partition: z.int().min(0),
  known: z.boolean(),
  erasedAt: z.int().nullable(),
  asOf: z.int().min(0),
  state: z.base64(),
})

/** The copy as a value that JSON keeps. */
export function printCopy(copy: CustomerCopy): z.infer<typeof Copy> {
  return { ...copy, state: Buffer.from(copy.state).toString('base64') }
}

/** @throws ZodError when the other node speaks another language */
export function parseCopy(body: unknown): CustomerCopy {
  const { state, ...rest } = Copy.parse(body)
  return { ...rest, state: Buffer.from(state, 'base64') }
}
