/**
 * The identity map in Redis. Alias and customer lie in slots of their own, so a link is not one call: the customer's note of it is
 * written first, taken back last, and an erasure goes by the notes. Whatever comes between, each alias has its note.
 */
import { randomBytes } from 'node:crypto'
import type { AliasSeal } from '../../ingest/identity/alias-seal.ts'
import {
  ALIASES_MAX,
  type ChangeReply,
  checkAliases,
  checkChanges,
  checkKept,
  FORGOTTEN_KEPT_MS,
  type IdentityChange,
  IdentityError,
  type IdentityMap,
  type KeptIdentity,
  UNLINKED_KEPT_MS,
} from '../../ingest/identity/identity-map.ts'
import { connectRedis } from '../store/redis/connect-redis.ts'
import { defaultPrefix, KeyNames } from '../store/redis/key-names.ts'
import { type LuaScript, readScript } from '../store/redis/lua-script.ts'
import type { RedisCommand } from '../store/redis/redis-connection.ts'
import type { RedisNode } from '../store/redis/redis-node.ts'
import { listOf, numberOf, textOf } from '../store/redis/redis-reply.ts'
import type { RedisServers } from '../store/redis/redis-servers.ts'
import type { RedisOptions } from '../store/redis/redis-target.ts'
import { patiently, scanKeys } from '../store/redis/scan-keys.ts'
import { StoreError } from '../store/store.ts'
import { inWaves } from './in-waves.ts'

export type RedisIdentityMapOptions = RedisOptions & {
  readonly seal: AliasSeal
  /** Default `ALIASES_MAX`. */
  readonly aliasesMax?: number
}

const scriptNames = [
  'clear-notes',
  'drop-alias',
  'drop-note',
  'forget-customer',
  'keep-alias',
  'keep-note',
  'link-alias',
  'note-alias',
  'unlink-alias',
] as const
type ScriptName = (typeof scriptNames)[number]

/**
 * Opens the identity map of the servers and the prefix.
 * @throws IdentityError `identity_unavailable` when Redis cannot be reached or the options cannot be right
 */
export async function openRedisIdentityMap(options: RedisIdentityMapOptions): Promise<IdentityMap> {
  const keys = new KeyNames(options.prefix ?? defaultPrefix)
  return translating(async () => new RedisIdentityMap(await connectRedis(options), keys, options))
}

class RedisIdentityMap implements IdentityMap {
  readonly #servers: RedisServers
  readonly #keys: KeyNames
  readonly #seal: AliasSeal
  readonly #aliasesMax: number
  readonly #scripts = new Map<ScriptName, LuaScript>()
  #closed = false

  constructor(servers: RedisServers, keys: KeyNames, options: RedisIdentityMapOptions) {
    this.#servers = servers
    this.#keys = keys
    this.#seal = options.seal
    this.#aliasesMax = options.aliasesMax ?? ALIASES_MAX
    for (const name of scriptNames) this.#scripts.set(name, readScript(`${name}.lua`, import.meta.url))
  }

  async resolve(aliases: readonly string[]): Promise<readonly (string | null)[]> {
    checkAliases(aliases)
    return this.#io(() => this.#customersOf(aliases))
  }

  async change(changes: readonly IdentityChange[]): Promise<readonly ChangeReply[]> {
    checkChanges(changes)
    const replies = new Array<ChangeReply>(changes.length)
    const byAlias = Map.groupBy(changes.entries(), ([, { alias }]) => alias)
    await this.#io(() =>
      inWaves([...byAlias.values()], async (ofAlias) => {
        for (const [index, change] of ofAlias)
          replies[index] = await (change.kind === 'link' ? this.#link(change) : this.#unlink(change))
      }),
    )
    return replies
  }

  async aliasesOf(customerId: string): Promise<readonly string[]> {
    return this.#io(async () => {
      const key = this.#keys.aliasesOf(this.#seal.customer(customerId))
      const [fields] = await this.#servers.nodeOf(key).read([['HKEYS', key]])
      const noted = listOf(fields).map((field) => textOf(field) ?? '')
      const aliases = noted.filter((alias) => alias !== '!')
      const customers = await this.#customersOf(aliases)
      return aliases.filter((_, i) => customers[i] === customerId)
    })
  }

  async forget(customerId: string): Promise<number> {
    return this.#io(async () => {
      const notes = this.#keys.aliasesOf(this.#seal.customer(customerId))
      const reply = await this.#run('forget-customer', notes, [String(FORGOTTEN_KEPT_MS)])
      const aliases = listOf(reply).map((alias) => textOf(alias) ?? '')
      const dropped = await inWaves(aliases, (alias) => this.#drop(alias, customerId))
      if (aliases.length > 0) await this.#run('clear-notes', notes, aliases)
      return dropped.reduce((sum, one) => sum + one, 0)
    })
  }

  async *all(): AsyncGenerator<readonly KeptIdentity[]> {
    for (const node of this.#servers.nodes()) {
      const pages = scanKeys(node, this.#keys.pattern('identities'))
      for (;;) {
        const page = await this.#io(() => pages.next())
        if (page.done === true) break
        yield await this.#io(() => this.#kept(node, page.value))
      }
    }
  }

  async keep(kept: readonly KeptIdentity[]): Promise<void> {
    checkKept(kept)
    await this.#io(() => inWaves(kept, (one) => patiently(() => this.#keep(one))))
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#servers.close()
  }

  async #link({ alias, customerId, at }: IdentityChange): Promise<ChangeReply> {
    const notes = this.#keys.aliasesOf(this.#seal.customer(customerId))
    const stamp = randomBytes(9).toString('base64url')
    const note = async () => textOf(await this.#run('note-alias', notes, [alias, stamp, String(this.#aliasesMax)]))
    const first = await note()
    if (first !== 'noted') return first === 'forgotten' ? 'forgotten' : 'full'
    const linked = replyOf(await this.#run('link-alias', this.#keys.alias(alias), [customerId, String(at), stamp]))
    if (linked !== 'done') {
      await this.#run('drop-note', notes, [alias, stamp])
      return linked
    }
    // The customer may have been forgotten in between, or the note taken back by an unlinking that came before.
    const second = await note()
    if (second === 'noted') return 'done'
    await this.#drop(alias, customerId)
    return second === 'forgotten' ? 'forgotten' : 'full'
  }

  async #unlink({ alias, customerId, at }: IdentityChange): Promise<ChangeReply> {
    const args = [customerId, String(at), String(UNLINKED_KEPT_MS)]
    const [said, stamp = null] = listOf(await this.#run('unlink-alias', this.#keys.alias(alias), args))
    const reply = replyOf(said)
    const notes = this.#keys.aliasesOf(this.#seal.customer(customerId))
    if (reply === 'done' && stamp !== null) await this.#run('drop-note', notes, [alias, textOf(stamp) ?? ''])
    return reply
  }

  /** What is kept under some keys of one server. */
  async #kept(node: RedisNode, names: readonly string[]): Promise<readonly KeptIdentity[]> {
    const found = names.flatMap((key) => {
      const parsed = this.#keys.parse(key)
      return parsed?.kind === 'alias' || parsed?.kind === 'aliases' ? [{ key, parsed }] : []
    })
    const commands = found.map(({ key, parsed }): RedisCommand[] =>
      parsed.kind === 'alias'
        ? [['HMGET', key, 'customer', 'at']]
        : [
            ['HGET', key, '!'],
            ['PTTL', key],
          ],
    )
    const replies = await patiently(() => node.read([['TIME'], ...commands.flat()]))
    const now = Math.floor(Number(textOf(listOf(replies[0])[0] ?? null)) * 1_000)
    const kept: KeptIdentity[] = []
    let at = 1
    for (const { parsed } of found) {
      if (parsed.kind === 'alias') {
        const [customer = null, since = null] = listOf(replies[at++])
        // Gone since it was found.
        if (textOf(since) === null) continue
        kept.push({ kind: 'alias', alias: parsed.alias, customerId: textOf(customer), at: Number(textOf(since)) })
      } else {
        const isForgotten = textOf(replies[at++] ?? null) !== null
        const left = numberOf(replies[at++])
        if (isForgotten && left > 0) kept.push({ kind: 'forgotten', customer: parsed.customer, until: now + left })
      }
    }
    return kept
  }

  async #keep(one: KeptIdentity): Promise<void> {
    if (one.kind === 'forgotten') {
      await this.#run('keep-note', this.#keys.aliasesOf(one.customer), ['!', '1', String(one.until)])
      return
    }
    const { alias, customerId, at } = one
    const stamp = randomBytes(9).toString('base64url')
    if (customerId !== null) {
      await this.#run('keep-note', this.#keys.aliasesOf(this.#seal.customer(customerId)), [alias, stamp])
    }
    const args = [String(at), ...(customerId === null ? [String(UNLINKED_KEPT_MS)] : ['', customerId, stamp])]
    await this.#run('keep-alias', this.#keys.alias(alias), args)
  }

  async #drop(alias: string, customerId: string): Promise<number> {
    return numberOf(await this.#run('drop-alias', this.#keys.alias(alias), [customerId]))
  }

  /** One write to each server that has some of the aliases. */
  async #customersOf(aliases: readonly string[]): Promise<readonly (string | null)[]> {
    const customers = new Array<string | null>(aliases.length).fill(null)
    const asked = new Map<RedisNode, { commands: RedisCommand[]; indices: number[] }>()
    for (const [index, alias] of aliases.entries()) {
      const key = this.#keys.alias(alias)
      const node = this.#servers.nodeOf(key)
      const of = asked.get(node) ?? { commands: [], indices: [] }
      asked.set(node, of)
      of.commands.push(['HGET', key, 'customer'])
      of.indices.push(index)
    }
    const reads = Array.from(asked, async ([node, { commands, indices }]) => {
      const replies = await node.read(commands)
      for (const [i, index] of indices.entries()) customers[index] = textOf(replies[i] ?? null)
    })
    await Promise.all(reads)
    return customers
  }

  #run(name: ScriptName, key: string, args: readonly string[]): Promise<unknown> {
    const script = this.#scripts.get(name)
    if (script === undefined) throw new Error('every script was read')
    return this.#servers.nodeOf(key).write({ script, keys: [key], args, hasWritten: () => true })
  }

  #io<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new IdentityError('identity_closed', 'the identity map is closed', { retryable: false })
    return translating(work)
  }
}

function replyOf(said: unknown): ChangeReply {
  const text = textOf(said)
  if (text === 'done' || text === 'taken' || text === 'stale') return text
  throw new IdentityError('identity_corrupt', 'an alias is not what was written', { retryable: false })
}

/** Runs what may fail at Redis, with its failures as the port has them. */
async function translating<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause
    const { code, message, retryable } = cause
    const words = { store_full: 'identity_full', state_corrupt: 'identity_corrupt' } as const
    const known = code === 'store_full' || code === 'state_corrupt' ? words[code] : 'identity_unavailable'
    throw new IdentityError(known, message, { retryable, cause })
  }
}
