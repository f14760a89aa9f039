/**
 * Copies the partitions of one Redis server, each as it was at one moment, while they change.
 *
 * First each partition is marked, so that every commit notes the customers whose state or due entry it changes
 * (`redis/backup-mark.lua`). Then all states and due entries are copied, whenever it was; both of those noted are copied again, until
 * few are left; and one script gives these few, the header and the tombstones of one moment. What was not noted since it was copied
 * is what it was; what was is copied behind its last change.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { KeyNames } from '../redis/key-names.ts'
import { type LuaScript, readScript } from '../redis/lua-script.ts'
import { seqOf } from '../redis/meta-fields.ts'
import { decodeDue, decodeDueInstant, PartitionReader } from '../redis/partition-reader.ts'
import type { RedisCommand } from '../redis/redis-connection.ts'
import type { RedisNode } from '../redis/redis-node.ts'
import { bytesOf, listOf, numberOf, textOf } from '../redis/redis-reply.ts'
import type { RedisServers } from '../redis/redis-servers.ts'
import { patiently, scanKeys } from '../redis/scan-keys.ts'
import { serverIdentity } from '../redis/server-identity.ts'
import { corrupt, decodeState } from '../redis/state-value.ts'
import { headerMissing } from '../store.ts'
import { BackupError, torn } from './backup-error.ts'
import { type BackupRecord, textRecord } from './backup-record.ts'
import type { RecordPieces } from './backup-source.ts'
import { jsonOf } from './backup-tally.ts'
import { dueRecord } from './due-records.ts'

export type ServerCopyOptions = {
  /** Names this backup among all. */
  readonly id: string
  readonly servers: RedisServers
  readonly node: RedisNode
  readonly keys: KeyNames
  /** Those that the server has. */
  readonly partitions: readonly number[]
}

/** A mark holds so long without being renewed: what a backup that died costs the commits ends then. */
const markMs = 120_000
const renewMs = 20_000
/** States read in one go: well below a millisecond of the server's one thread, so that commits hardly wait. */
const statesAPage = 256
/** Due entries read in one go. */
const dueAPage = 1_000
/** Customers copied again at once. */
const againMax = 256
/** Most customers of the last script: about half a millisecond of the server's one thread. */
const cutMax = 256
/** So often customers are copied again before it is given up: a partition then changes faster than it can be read. */
const roundsMax = 20_000

type Found = { readonly key: string; readonly customerId: string }

export class ServerCopy {
  readonly #options: ServerCopyOptions
  readonly #reader: PartitionReader
  readonly #mark: LuaScript = readScript('backup-mark.lua')
  readonly #cut: LuaScript = readScript('backup-cut.lua')
  readonly #end: LuaScript = readScript('backup-end.lua')
  /** Marked and not ended. */
  readonly #marked = new Set<number>()
  #renewedAt = 0

  constructor(options: ServerCopyOptions) {
    this.#options = options
    this.#reader = new PartitionReader(options.servers, options.keys)
  }

  /**
   * Everything of the partitions.
   * @throws BackupError `backup_running`, `backup_torn`; StoreError
   */
  async *records(): RecordPieces {
    const { node, partitions } = this.#options
    const before = await this.#identity()
    try {
      this.#renewedAt = performance.now()
      for (const partition of partitions) {
        this.#marked.add(partition)
        await this.#setMark(partition, '1')
      }
      yield* this.#allStates()
      for (const partition of partitions) {
        yield* this.#allDue(partition)
        yield* this.#changedCustomers(partition)
        yield* this.#moment(partition)
        await this.#endMark(partition)
      }
    } finally {
      // A mark that cannot be taken away ends by itself.
      for (const partition of this.#marked) await this.#endMark(partition).catch(() => undefined)
    }
    const { servers, keys } = this.#options
    const isSame = partitions.every((partition) => servers.nodeOf(keys.meta(partition)) === node)
    if (!isSame || (await this.#identity()) !== before)
      throw torn('a server was started anew, or another one took over')
  }

  async *#allStates(): RecordPieces {
    const { node, keys, partitions } = this.#options
    const own = new Set(partitions)
    for await (const page of scanKeys(node, keys.pattern('partitions'), statesAPage)) {
      const started = performance.now()
      const found = new Map<number, Found[]>()
      for (const key of page) {
        const parsed = keys.parse(key)
        if (parsed?.kind !== 'state' || !own.has(parsed.partition)) continue
        const { partition, customerId } = parsed
        found.set(partition, [...(found.get(partition) ?? []), { key, customerId }])
      }
      if (found.size > 0) yield await this.#statesOf(found)
      await this.#renew()
      // Half of the time belongs to the commits.
      await sleep(performance.now() - started)
    }
  }

  async #statesOf(found: ReadonlyMap<number, readonly Found[]>): Promise<BackupRecord[]> {
    const groups = [...found]
    const values = await this.#read(groups.map(([, some]) => ['MGET', ...some.map(({ key }) => key)]))
    const records: BackupRecord[] = []
    const absent: string[] = []
    groups.forEach(([partition, some], group) => {
      listOf(values[group]).forEach((reply, i) => {
        const { key = '', customerId = '' } = some[i] ?? {}
        const value = bytesOf(reply)
        if (value === null) absent.push(key)
        else records.push(stateRecord(partition, customerId, value))
      })
    })
    // Erased meanwhile, and noted; or the key of a state holds something else, of which MGET says nothing either.
    const types = absent.length === 0 ? [] : await this.#read(absent.map((key) => ['TYPE', key]))
    if (!types.every((type) => /^(none|string)$/.test(textOf(type) ?? ''))) {
      throw corrupt('The key of a state has another type than the one written.')
    }
    return records
  }

  /** The due index, whenever it was: an entry that moved meanwhile may be given twice, or not, and is noted. */
  async *#allDue(partition: number): RecordPieces {
    let cursor = '0'
    do {
      const started = performance.now()
      const scan: RedisCommand = ['ZSCAN', this.#options.keys.due(partition), cursor, 'COUNT', String(dueAPage)]
      const [page] = await this.#read([scan])
      const [next = null, pairs] = listOf(page)
      cursor = textOf(next) ?? '0'
      yield decodeDue(listOf(pairs)).map((due) => dueRecord(partition, due))
      await this.#renew()
      await sleep(performance.now() - started)
    } while (cursor !== '0')
  }

  /** Copies again what changed, until little is left. */
  async *#changedCustomers(partition: number): RecordPieces {
    const changed = this.#options.keys.changed(partition)
    for (let round = 0; round < roundsMax; round++) {
      await this.#renew()
      const [count, members] = await this.#read([
        ['SCARD', changed],
        ['SRANDMEMBER', changed, String(againMax)],
      ])
      if (numberOf(count) <= cutMax) return
      const some = this.#customersAmong(partition, members)
      // Taken off the list before they are read: what changes in between is noted again. A repeat of all changes nothing.
      const [, values, instants] = await this.#read([
        ['SREM', changed, ...some.map(({ key }) => key)],
        ['MGET', ...some.map(({ key }) => key)],
        ['ZMSCORE', this.#options.keys.due(partition), ...some.map(({ customerId }) => customerId)],
      ])
      const customerIds = some.map(({ customerId }) => customerId)
      yield recordsOf(partition, { customerIds, values: listOf(values), instants: listOf(instants) })
    }
    throw torn('a partition changes faster than it can be copied')
  }

  /** The partition at one moment, as far as it is not copied yet. */
  async *#moment(partition: number): RecordPieces {
    const { keys } = this.#options
    const names = [keys.meta(partition), keys.changed(partition), keys.tombstones(partition), keys.due(partition)]
    const args = [this.#options.id, String(cutMax * 2), keys.states(partition)]
    for (;;) {
      const reply = await this.#run(this.#cut, names, args, Array.isArray)
      if (typeof reply === 'number') {
        yield* this.#changedCustomers(partition)
        continue
      }
      if (!Array.isArray(reply)) throw torn('it stood still for too long')
      const [seqText = null, rest = null, customers, values, instants, tombstones] = listOf(reply)
      const seq = seqOf(textOf(seqText))
      const customerIds = listOf(customers).map((id) => textOf(id) ?? '')
      yield recordsOf(partition, { customerIds, values: listOf(values), instants: listOf(instants) })
      // A value of the moment that is gone by now was published, which is all that it was there for.
      for (const { seq: of, value } of await patiently(() => this.#reader.outbox(partition, 0, seq))) {
        yield [{ kind: 'outbox', partition, key: String(of), value }]
      }
      yield tombstonesOf(partition, listOf(tombstones).map(textOf))
      yield [headerRecord(partition, seq, textOf(rest))]
      return
    }
  }

  /** The customers that were noted, by the keys of their states; the header's own name keeps the set there. */
  #customersAmong(partition: number, members: unknown): Found[] {
    return listOf(members).flatMap((member) => {
      const key = textOf(member) ?? ''
      const parsed = this.#options.keys.parse(key)
      return parsed?.kind === 'state' && parsed.partition === partition ? [{ key, customerId: parsed.customerId }] : []
    })
  }

  async #renew(): Promise<void> {
    if (performance.now() - this.#renewedAt < renewMs) return
    this.#renewedAt = performance.now()
    for (const partition of this.#marked) await this.#setMark(partition, '0')
  }

  async #setMark(partition: number, begins: '0' | '1'): Promise<void> {
    const { keys, id } = this.#options
    const names = [keys.meta(partition), keys.changed(partition)]
    const reply = await this.#run(this.#mark, names, [id, String(markMs), begins], (said) => textOf(said) === 'marked')
    const said = textOf(reply)
    if (said === 'missing') throw headerMissing()
    if (said === 'lost') throw torn('it stood still for too long')
    if (said !== 'busy') return
    this.#marked.delete(partition)
    const message = `Another backup of this store runs, or was cut off less than ${markMs / 60_000} minutes ago. Try again later.`
    throw new BackupError('backup_running', message)
  }

  async #endMark(partition: number): Promise<void> {
    const { keys, id } = this.#options
    this.#marked.delete(partition)
    await this.#run(this.#end, [keys.meta(partition), keys.changed(partition)], [id], () => false)
  }

  async #identity(): Promise<string> {
    const { node, servers } = this.#options
    const identity = await patiently(() => serverIdentity(node, servers.isCluster))
    if (identity === null) throw torn('a hash slot of Redis Cluster is being moved')
    return identity
  }

  #read(commands: readonly RedisCommand[]): Promise<readonly unknown[]> {
    return patiently(() => this.#options.node.read(commands))
  }

  #run(
    script: LuaScript,
    keys: readonly string[],
    args: readonly string[],
    hasWritten: (reply: unknown) => boolean,
  ): Promise<unknown> {
    return patiently(() => this.#options.node.write({ script, keys, args, hasWritten }))
  }
}

/** States and due entries, in the order of the customers. */
type Noted = {
  readonly customerIds: readonly string[]
  readonly values: readonly unknown[]
  readonly instants: readonly unknown[]
}

function recordsOf(partition: number, { customerIds, values, instants }: Noted): BackupRecord[] {
  return customerIds.flatMap((customerId, i) => {
    const value = bytesOf(values[i] ?? null)
    const score = instants[i] ?? null
    return [
      value === null
        ? { kind: 'gone', partition, key: customerId, value: new Uint8Array(0) }
        : stateRecord(partition, customerId, value),
      dueRecord(partition, { customerId, at: score === null ? 0 : decodeDueInstant(score) }),
    ]
  })
}

/** @throws StoreError `state_corrupt`: a backup of damaged states is none */
function stateRecord(partition: number, customerId: string, value: Buffer): BackupRecord {
  decodeState(value)
  return { kind: 'state', partition, key: customerId, value }
}

function tombstonesOf(partition: number, pairs: readonly (string | null)[]): BackupRecord[] {
  const records: BackupRecord[] = []
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    records.push(textRecord('tombstone', pairs[i] ?? '', pairs[i + 1] ?? '', partition))
  }
  return records
}

function headerRecord(partition: number, seq: number, rest: string | null): BackupRecord {
  const json = jsonOf(rest ?? '')
  if (typeof json !== 'object' || json === null) throw corrupt('The header of a partition is damaged.')
  return textRecord('header', '', JSON.stringify({ seq, ...json }), partition)
}
