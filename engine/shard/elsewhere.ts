import type { Membership } from '../../ingest/membership.ts'
import type { Timing } from '../clock.ts'
import type { PeerReply, Peers } from './peers.ts'

/** A second node is only asked when so much of the time is left. */
const retryShare = 0.4

/**
 * Finds the node that has a partition and asks it: the one the group has assigned it to, then, when that one does not have it
 * or does not answer, the one that the store names, once.
 */
export class Elsewhere {
  readonly #membership: Membership
  readonly #ownerInStore: (partition: number) => Promise<string>
  readonly #own: () => string
  readonly #timing: Timing
  readonly peers: Peers | null

  constructor(parts: {
    readonly membership: Membership
    /** null: there is nobody else. */
    readonly peers: Peers | null
    readonly ownerInStore: (partition: number) => Promise<string>
    /** Address of this process. */
    readonly own: () => string
    readonly timing: Timing
  }) {
    this.#membership = parts.membership
    this.#ownerInStore = parts.ownerInStore
    this.#own = parts.own
    this.#timing = parts.timing
    this.peers = parts.peers
  }

  /** Addresses of the other nodes. */
  others(): readonly string[] {
    const addrs = this.#membership.members().map(({ addr }) => addr)
    return [...new Set(addrs)].filter((addr) => addr !== '' && addr !== this.#own())
  }

  /** Asks within `withinMs` in all; the last reply when nobody has it. */
  async ask<Value>(
    partition: number,
    withinMs: number,
    call: (addr: string, withinMs: number) => Promise<PeerReply<Value>>,
  ): Promise<PeerReply<Value>> {
    if (this.peers === null) return { kind: 'unreachable' }
    const until = this.#timing.elapsed() + withinMs
    const first = this.#assignedTo(partition)
    let reply: PeerReply<Value> = { kind: 'unreachable' }
    if (first !== '') {
      reply = await call(first, withinMs)
      if (reply.kind === 'answer' || reply.kind === 'refused') return reply
    }
    const left = until - this.#timing.elapsed()
    if (left < withinMs * retryShare) return reply
    const second = await this.#ownerInStore(partition).catch(() => '')
    if (second === '' || second === first || second === this.#own()) return reply
    return call(second, Math.max(1, until - this.#timing.elapsed()))
  }

  #assignedTo(partition: number): string {
    const member = this.#membership.members().find(({ partitions }) => partitions.includes(partition))
    return member === undefined || member.addr === this.#own() ? '' : member.addr
  }
}
