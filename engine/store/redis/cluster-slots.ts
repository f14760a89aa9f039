import { listOf, numberOf, textOf } from './redis-reply.ts'

/** A range of slots and the primary that has them. */
export type SlotRange = {
  readonly first: number
  readonly last: number
  readonly host: string
  readonly port: number
}

/**
 * Reads a reply of CLUSTER SLOTS.
 * @param askedHost stands in where a node does not know its own address
 */
export function slotRanges(reply: unknown, askedHost: string): SlotRange[] {
  return listOf(reply).map((range) => {
    const [first, last, primary] = listOf(range)
    const [host, port] = listOf(primary)
    const named = textOf(host ?? null)
    return {
      first: numberOf(first),
      last: numberOf(last),
      host: named === null || named === '' || named === '?' ? askedHost : named,
      port: numberOf(port),
    }
  })
}
