/**
 * What is read of a partition, and never from a server that lags behind the one that takes its writes: after a failover the
 * reading connection may still be up to the old primary, whose states are of an older commit. So each read looks at the seq too.
 */
import assert from 'node:assert/strict'
import type { Due, Stored } from '../../state/states.ts'
import { isDueInstant } from '../check-commit.ts'
import { headerMissing } from '../store.ts'
import type { KeyNames } from './key-names.ts'
import { type LuaScript, readScript } from './lua-script.ts'
import { seqOf } from './meta-fields.ts'
import type { RedisCommand } from './redis-connection.ts'
import { unavailable } from './redis-errors.ts'
import type { RedisNode } from './redis-node.ts'
import { bytesOf, listOf, numberOf, textOf } from './redis-reply.ts'
import type { RedisServers } from './redis-servers.ts'
import { corrupt, decodeState } from './state-value.ts'

/** Customers of one load; the shard asks for 256. */
const customersMax = 4_096
/** Outbox values are read so many bytes at a time, as far as the size of the last ones tells. */
const chunkBytes = 4 * 2 ** 20
const chunkFields = { first: 16, most: 512 } as const

export class PartitionReader {
  readonly #servers: RedisServers
  readonly #keys: KeyNames
  readonly #header: LuaScript = readScript('header.lua')
  /** Seq of the last commit that was applied here, by partition. */
  readonly #seqs = new Map<number, number>()

  constructor(servers: RedisServers, keys: KeyNames) {
    this.#servers = servers
    this.#keys = keys
  }

  /** Says what the partition's seq is at least, from now on. */
  expect(partition: number, seq: number): void {
    this.#seqs.set(partition, seq)
  }

  /**
   * States in the order asked.
   * @throws StoreError `state_corrupt`
   */
  async load(partition: number, customerIds: readonly string[]): Promise<(Stored | null)[]> {
    if (customerIds.length === 0) return []
    assert(customerIds.length <= customersMax, 'a load is bounded')
    const keys = customerIds.map((customerId) => this.#keys.state(partition, customerId))
    // MGET says "nothing" of a key of another type too; EXISTS tells them apart.
    const [values, existing] = await this.#read(partition, [
      ['MGET', ...keys],
      ['EXISTS', ...keys],
    ])
    const found = listOf(values).map(bytesOf)
    const present = found.reduce((count, value) => count + (value === null ? 0 : 1), 0)
    if (numberOf(existing) !== present) {
      await this.#refuseStrangers(
        partition,
        keys.filter((_, i) => found[i] === null),
      )
    }
    return found.map((value) => (value === null ? null : decodeState(value)))
  }

  /** Outbox values with from < seq <= to, ascending. */
  async outbox(partition: number, from: number, to: number): Promise<{ seq: number; value: Uint8Array }[]> {
    const seqs = (await this.outboxSeqs(partition)).filter((seq) => seq > from && seq <= to).sort((a, b) => a - b)
    const found: { seq: number; value: Uint8Array }[] = []
    let fields: number = chunkFields.first
    for (let at = 0; at < seqs.length; ) {
      const chunk = seqs.slice(at, at + fields)
      at += chunk.length
      const [values] = await this.#read(partition, [['HMGET', this.#keys.outbox(partition), ...chunk.map(String)]])
      let bytes = 1
      listOf(values).forEach((reply, i) => {
        const value = bytesOf(reply)
        // Trimmed meanwhile: it was published.
        if (value === null) return
        bytes += value.length
        found.push({ seq: chunk[i] ?? 0, value })
      })
      fields = Math.max(1, Math.min(chunkFields.most, Math.floor((chunkBytes * chunk.length) / bytes)))
    }
    return found
  }

  /** The first entries of the due index, by instant and then by id. */
  async due(partition: number, limit: number): Promise<Due[]> {
    // To Redis, up to the entry before the first means all of them.
    const range: RedisCommand = ['ZRANGE', this.#keys.due(partition), '0', String(limit - 1), 'WITHSCORES']
    const [pairs = []] = await this.#read(partition, limit === 0 ? [] : [range])
    return decodeDue(listOf(pairs))
  }

  /** Tombstones and the instants of their erasures. */
  async tombstones(partition: number): Promise<Map<string, number>> {
    const [pairs] = await this.#read(partition, [['HGETALL', this.#keys.tombstones(partition)]])
    const found = new Map<string, number>()
    const list = listOf(pairs).map(textOf)
    for (let i = 0; i + 1 < list.length; i += 2) found.set(list[i] ?? '', Number(list[i + 1]))
    return found
  }

  /** Seqs that have an outbox value, in no order. */
  async outboxSeqs(partition: number): Promise<number[]> {
    const [fields] = await this.#read(partition, [['HKEYS', this.#keys.outbox(partition)]])
    return listOf(fields).map((field) => seqOf(textOf(field)))
  }

  /** Reads behind a look at the header. */
  async #read(partition: number, commands: readonly RedisCommand[]): Promise<readonly unknown[]> {
    const meta = this.#keys.meta(partition)
    const node = this.#servers.nodeOf(meta)
    const [header, ...replies] = await node.read([['HMGET', meta, 'token', 'seq'], ...commands])
    const seq = seqIn(header)
    if (seq === null || seq < (this.#seqs.get(partition) ?? 0)) await this.#compare(node, meta, seq)
    return replies
  }

  /**
   * The header is missing, or older than it should be: here only, or also where the writes go? There, the store was rewound,
   * which the next commit finds out.
   */
  async #compare(node: RedisNode, meta: string, seen: number | null): Promise<void> {
    const call = { script: this.#header, keys: [meta], args: [], hasWritten: () => false }
    const actual = seqIn(await node.write(call))
    if (actual === null && seen === null) throw headerMissing()
    if (actual !== null && seen !== null && actual <= seen) return
    node.reconnectReader()
    throw unavailable('Reads went to a server that lags behind the writes.')
  }

  /** @throws StoreError `state_corrupt` when one of the keys holds something else, else `store_unavailable`: they are new */
  async #refuseStrangers(partition: number, keys: readonly string[]): Promise<never> {
    const types = await this.#read(
      partition,
      keys.map((key) => ['TYPE', key]),
    )
    if (types.every((type) => /^(none|string)$/.test(textOf(type) ?? ''))) {
      throw unavailable('States were written while they were read.')
    }
    throw corrupt('The key of a state has another type than the one written.')
  }
}

/**
 * Entries of the due index from customers' ids and instants in turn.
 * @throws StoreError `state_corrupt`
 */
export function decodeDue(pairs: readonly unknown[]): Due[] {
  const due: Due[] = []
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    due.push({ customerId: textOf(pairs[i]) ?? '', at: decodeDueInstant(pairs[i + 1]) })
  }
  return due
}

/** @throws StoreError `state_corrupt` */
export function decodeDueInstant(score: unknown): number {
  const at = Number(textOf(score))
  if (!isDueInstant(at)) throw corrupt('An entry of the due index has no instant.')
  return at
}

function seqIn(header: unknown): number | null {
  const [token = null, seq = null] = listOf(header)
  return token === null && seq === null ? null : seqOf(textOf(seq))
}
