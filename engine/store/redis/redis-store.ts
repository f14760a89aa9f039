/**
 * The store in Redis: what belongs to a partition lies in one hash slot, and every change is one script, so a commit is one
 * call to one server, followed by WAIT on the same connection where there are replicas.
 */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { Due, Stored } from '../../state/states.ts'
import { checkCommit, checkDueLimit } from '../check-commit.ts'
import { dueChanges } from '../due-changes.ts'
import { partitionsChanged } from '../init-store.ts'
import {
  type Cluster,
  type Commit,
  type CommitMeta,
  type CommitReply,
  type Meta,
  type Store,
  storeFormat,
} from '../store.ts'
import { maxCustomerIdBytes } from '../stored-row.ts'
import { decodeCluster } from './cluster-record.ts'
import { connectRedis } from './connect-redis.ts'
import { defaultPrefix, KeyNames } from './key-names.ts'
import { type LuaScript, readScript } from './lua-script.ts'
import { decodeMeta, encodeRest, metaFields, seqOf } from './meta-fields.ts'
import { OutboxSeqs } from './outbox-seqs.ts'
import { PartitionReader } from './partition-reader.ts'
import { listOf, numberOf, textOf } from './redis-reply.ts'
import type { RedisServers } from './redis-servers.ts'
import type { RedisOptions } from './redis-target.ts'
import { corrupt, encodeEntries } from './state-value.ts'

/** Outbox values dropped by one commit; the next ones go on. */
const trimsMax = 4_096

type ScriptName = 'acquire' | 'commit' | 'create' | 'forget' | 'putCluster' | 'putOnce' | 'release'

/**
 * Opens the store of the servers and the prefix. Whether the servers are fit to keep it says `checkRedis`.
 *
 * @throws StoreError `store_unavailable` when Redis cannot be reached or the options cannot be right, `format_unsupported` when
 *   another release wrote the store
 */
export async function openRedisStore(options: RedisOptions): Promise<Store> {
  const keys = new KeyNames(options.prefix ?? defaultPrefix)
  const store = new RedisStore(await connectRedis(options), keys)
  try {
    await store.cluster()
  } catch (error) {
    await store.close()
    throw error
  }
  return store
}

class RedisStore implements Store {
  readonly #servers: RedisServers
  readonly #keys: KeyNames
  readonly #reader: PartitionReader
  /** Read once, at open. */
  readonly #scripts: Readonly<Record<ScriptName, LuaScript>> = {
    acquire: readScript('acquire.lua'),
    commit: readScript('commit.lua'),
    create: readScript('create.lua'),
    forget: readScript('forget.lua'),
    putCluster: readScript('put-cluster.lua'),
    putOnce: readScript('put-once.lua'),
    release: readScript('release.lua'),
  }
  /** Of the partitions that were committed to since they were acquired. */
  readonly #outboxes = new Map<number, OutboxSeqs>()

  constructor(servers: RedisServers, keys: KeyNames) {
    this.#servers = servers
    this.#keys = keys
    this.#reader = new PartitionReader(servers, keys)
  }

  async cluster(): Promise<Cluster | null> {
    const json = await this.#get(this.#keys.cluster)
    return json === null ? null : decodeCluster(json)
  }

  async putCluster(cluster: Cluster, before: Cluster | null): Promise<boolean> {
    assert(cluster.format === storeFormat, 'a release writes its own format')
    const json = await this.#get(this.#keys.cluster)
    const stored = json === null ? null : decodeCluster(json)
    if (stored !== null && stored.partitions !== cluster.partitions) {
      throw partitionsChanged(stored.partitions, cluster.partitions)
    }
    if (!isDeepStrictEqual(stored, before)) return false
    const args = [JSON.stringify(cluster), ...(json === null ? [] : [json])]
    return numberOf(await this.#run('putCluster', [this.#keys.cluster], args)) === 1
  }

  async putPack(hash: string, json: string): Promise<void> {
    await this.#run('putOnce', [this.#keys.pack(hash)], [json])
  }

  pack(hash: string): Promise<string | null> {
    return this.#get(this.#keys.pack(hash))
  }

  async create(partition: number, meta: CommitMeta): Promise<void> {
    await this.#run('create', [this.#keys.meta(partition)], [encodeRest(meta)])
  }

  async acquire(partition: number, token: string, addr: string): Promise<Meta | null> {
    assert(token.length > 0 && token.length <= maxCustomerIdBytes, 'a token is a short text')
    this.#outboxes.delete(partition)
    const reply = await this.#run('acquire', [this.#keys.meta(partition)], [token, addr], (value) => value !== null)
    if (reply === null) return null
    const meta = decodeMeta([Buffer.from(token), Buffer.from(addr), ...listOf(reply)])
    assert(meta !== null, 'a header has a token')
    this.#reader.expect(partition, meta.seq)
    return meta
  }

  async release(partition: number, token: string): Promise<void> {
    await this.#run('release', [this.#keys.meta(partition)], [token])
  }

  async meta(partition: number): Promise<Meta | null> {
    const key = this.#keys.meta(partition)
    const [fields] = await this.#servers.nodeOf(key).read([['HMGET', key, ...metaFields]])
    return decodeMeta(listOf(fields))
  }

  load(partition: number, customerIds: readonly string[]): Promise<readonly (Stored | null)[]> {
    return this.#reader.load(partition, customerIds)
  }

  async due(partition: number, limit: number): Promise<readonly Due[]> {
    checkDueLimit(limit)
    return this.#reader.due(partition, limit)
  }

  async commit(partition: number, commit: Commit): Promise<CommitReply> {
    checkCommit(commit)
    const { token, from, to, meta, writes, notAfter } = commit
    const outbox = this.#outboxes.get(partition) ?? (await this.#outboxOf(partition))
    if (outbox === null) return { kind: 'fenced' }
    const trims = outbox.oldest(commit.trim, trimsMax)
    const value = commit.outbox === null ? [] : [asBuffer(commit.outbox)]
    const { removed, set } = dueArguments(commit)
    const reply = await this.#run(
      'commit',
      [
        this.#keys.meta(partition),
        this.#keys.outbox(partition),
        this.#keys.tombstones(partition),
        this.#keys.due(partition),
        ...writes.map(({ customerId }) => this.#keys.state(partition, customerId)),
      ],
      [
        token,
        String(from),
        String(to),
        encodeRest(meta),
        notAfter === null ? '' : String(notAfter),
        String(trims.length),
        String(value.length),
        String(removed.length),
        String(set.length),
        removed.length + set.length > 0 ? this.#keys.states(partition) : '',
        ...trims.map(String),
        ...value,
        ...encodeEntries(writes),
        ...writes.flatMap((write) => (write.kind === 'erase' ? [write.tombstone, String(write.at)] : [])),
        ...removed,
        ...set,
      ],
      (said) => /^(applied|repeated)$/.test(textOf(said) ?? ''),
    )
    const said = textOf(reply)
    if (said === 'corrupt') throw corrupt('A key of the partition is not what was written.')
    if (said === 'applied') {
      outbox.drop(trims.at(-1) ?? 0)
      if (value.length > 0) outbox.add(to)
    } else {
      // What the outbox holds is asked for again: of a repeat it is not known how much was done by whom.
      this.#outboxes.delete(partition)
      if (said === 'fenced' || said === 'expired') return { kind: said }
      if (said !== 'repeated') return { kind: 'seq_mismatch', stored: seqOf(said) }
    }
    this.#reader.expect(partition, to)
    return { kind: 'applied' }
  }

  outbox(partition: number, from: number, to: number): Promise<readonly { seq: number; value: Uint8Array }[]> {
    return this.#reader.outbox(partition, from, to)
  }

  async tombstones(partition: number, keepSince: number): Promise<ReadonlyMap<string, number>> {
    const all = await this.#reader.tombstones(partition)
    const old = [...all].filter(([, at]) => at < keepSince).map(([tombstone]) => tombstone)
    for (const tombstone of old) all.delete(tombstone)
    if (old.length > 0) await this.#run('forget', [this.#keys.tombstones(partition)], old)
    return all
  }

  async now(): Promise<number> {
    const [time] = await this.#servers.nodeOf(this.#keys.cluster).read([['TIME']])
    const [seconds, micros] = listOf(time).map(textOf)
    return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)
  }

  async close(): Promise<void> {
    this.#servers.close()
  }

  /** What the outbox holds, asked for once; null: the partition has no header. */
  async #outboxOf(partition: number): Promise<OutboxSeqs | null> {
    if ((await this.meta(partition)) === null) return null
    const outbox = new OutboxSeqs(await this.#reader.outboxSeqs(partition))
    this.#outboxes.set(partition, outbox)
    return outbox
  }

  async #get(key: string): Promise<string | null> {
    const [value] = await this.#servers.nodeOf(key).read([['GET', key]])
    return textOf(value)
  }

  /** @param hasWritten whether a reply says that something was written; left out: always */
  #run(
    script: ScriptName,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
    hasWritten: (value: unknown) => boolean = () => true,
  ): Promise<unknown> {
    const [first = ''] = keys
    return this.#servers.nodeOf(first).write({ script: this.#scripts[script], keys, args, hasWritten })
  }
}

/** Changes of the due index: customers whose entries go; instants and customers in turn. */
function dueArguments(commit: Commit): { readonly removed: readonly string[]; readonly set: readonly string[] } {
  const removed: string[] = []
  const set: string[] = []
  for (const [customerId, at] of dueChanges(commit)) {
    if (at === 0) removed.push(customerId)
    else set.push(String(at), customerId)
  }
  return { removed, set }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
