import { mkdirSync } from 'node:fs'
import { type Database, open, type RootDatabase } from 'lmdb'
import { translateWriteError } from '../lmdb-errors.ts'
import type { AliasSeal } from './alias-seal.ts'
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
} from './identity-map.ts'

export type LmdbIdentityMapOptions = {
  /** Directory of its own. */
  readonly dir: string
  readonly seal: AliasSeal
  /** By which what is only remembered goes. */
  readonly now: () => number
  /** Default `ALIASES_MAX`. */
  readonly aliasesMax?: number
}

/** Whose an alias is, null: nobody's any more; and since when. */
type Entry = { readonly customerId: string | null; readonly at: number }

type Tables = {
  readonly root: RootDatabase
  /** By sealed alias. */
  readonly aliases: Database<Entry, string>
  /** By sealed customer and alias; the value says nothing. */
  readonly owned: Database<true, [customer: string, alias: string]>
  /** By sealed customer: how many aliases it has; null: it was forgotten. */
  readonly counts: Database<number | null, string>
  /** What is only remembered, by the instant it may go: unlinked aliases and forgotten customers. */
  readonly ends: Database<true, [until: number, kind: 'alias' | 'customer', id: string]>
}

/** About 400 bytes an alias; the file grows with what is in it. */
const MAP_BYTES = 64 * 1024 ** 3
/** Changes that may wait for the disk. */
const WAITING_MAX = 100_000
/** What one transaction drops of what is only remembered; the next one goes on. */
const DROP_STEP = 256
/** Things given to a backup at once. */
const PIECE = 1_000
/** Sorts behind every alias. */
const BEHIND = '\uffff'

/**
 * Opens (makes) the identity map in an LMDB environment of its own, for one process at a time.
 * @throws IdentityError `identity_unavailable` when it cannot be opened
 */
export function openLmdbIdentityMap(options: LmdbIdentityMapOptions): IdentityMap {
  return new LmdbIdentityMap(options)
}

class LmdbIdentityMap implements IdentityMap {
  readonly #options: LmdbIdentityMapOptions
  readonly #tables: Tables
  readonly #aliasesMax: number
  #waiting = 0
  #closed = false

  constructor(options: LmdbIdentityMapOptions) {
    this.#options = options
    this.#tables = openTables(options.dir)
    this.#aliasesMax = options.aliasesMax ?? ALIASES_MAX
  }

  async resolve(aliases: readonly string[]): Promise<readonly (string | null)[]> {
    checkAliases(aliases)
    return this.#read(() => aliases.map((alias) => this.#tables.aliases.get(alias)?.customerId ?? null))
  }

  async change(changes: readonly IdentityChange[]): Promise<readonly ChangeReply[]> {
    checkChanges(changes)
    return this.#write(changes.length, () =>
      changes.map((change) => (change.kind === 'link' ? this.#link(change) : this.#unlink(change))),
    )
  }

  async aliasesOf(customerId: string): Promise<readonly string[]> {
    return this.#read(() => this.#owned(this.#options.seal.customer(customerId)))
  }

  async forget(customerId: string): Promise<number> {
    const customer = this.#options.seal.customer(customerId)
    return this.#write(1, () => {
      const { aliases, owned, counts } = this.#tables
      const found = this.#owned(customer)
      for (const alias of found) {
        aliases.removeSync(alias)
        owned.removeSync([customer, alias])
      }
      counts.putSync(customer, null)
      this.#tables.ends.putSync([this.#options.now() + FORGOTTEN_KEPT_MS, 'customer', customer], true)
      return found.length
    })
  }

  async *all(): AsyncGenerator<readonly KeptIdentity[]> {
    const { aliases, ends } = this.#tables
    for (let start = ''; ; ) {
      const found = this.#read(() => [...aliases.getRange({ start, limit: PIECE })])
      yield found.map(({ key: alias, value: { customerId, at } }) => ({ kind: 'alias', alias, customerId, at }))
      const last = found.at(-1)
      if (last === undefined || found.length < PIECE) break
      start = `${last.key} `
    }
    for (let from: readonly [number, string, string] = [Number.MIN_SAFE_INTEGER, '', '']; ; ) {
      const found = this.#read(() => [...ends.getKeys({ start: [...from], limit: PIECE })])
      yield found.flatMap(([until, kind, customer]) =>
        kind === 'customer' ? [{ kind: 'forgotten', customer, until }] : [],
      )
      const last = found.at(-1)
      if (last === undefined || found.length < PIECE) return
      from = [last[0], last[1], `${last[2]} `]
    }
  }

  async keep(kept: readonly KeptIdentity[]): Promise<void> {
    checkKept(kept)
    await this.#write(kept.length, () => {
      for (const one of kept) this.#keep(one)
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#tables.root.close()
  }

  #link({ alias, customerId, at }: IdentityChange): ChangeReply {
    const { aliases, owned, counts } = this.#tables
    const customer = this.#options.seal.customer(customerId)
    const count = counts.get(customer)
    if (count === null) return 'forgotten'
    const entry = aliases.get(alias)
    if (entry?.customerId === customerId) {
      if (at > entry.at) aliases.putSync(alias, { customerId, at })
      return 'done'
    }
    if ((count ?? 0) >= this.#aliasesMax) return 'full'
    if (entry !== undefined && entry.customerId !== null) return 'taken'
    if (entry !== undefined && entry.at > at) return 'stale'
    aliases.putSync(alias, { customerId, at })
    owned.putSync([customer, alias], true)
    counts.putSync(customer, (count ?? 0) + 1)
    return 'done'
  }

  #unlink({ alias, customerId, at }: IdentityChange): ChangeReply {
    const { aliases, owned, counts, ends } = this.#tables
    const entry = aliases.get(alias)
    if (entry !== undefined && entry.customerId !== null) {
      if (entry.customerId !== customerId) return 'taken'
      if (entry.at > at) return 'stale'
      const customer = this.#options.seal.customer(customerId)
      const left = (counts.get(customer) ?? 1) - 1
      owned.removeSync([customer, alias])
      if (left > 0) counts.putSync(customer, left)
      else counts.removeSync(customer)
    }
    // Remembered also when it was nobody's: the link may come after it.
    const since = Math.max(at, entry?.at ?? at)
    aliases.putSync(alias, { customerId: null, at: since })
    ends.putSync([since + UNLINKED_KEPT_MS, 'alias', alias], true)
    return 'done'
  }

  #keep(one: KeptIdentity): void {
    const { aliases, owned, counts, ends } = this.#tables
    if (one.kind === 'forgotten') {
      counts.putSync(one.customer, null)
      ends.putSync([one.until, 'customer', one.customer], true)
      return
    }
    const { alias, customerId, at } = one
    aliases.putSync(alias, { customerId, at })
    if (customerId === null) {
      ends.putSync([at + UNLINKED_KEPT_MS, 'alias', alias], true)
      return
    }
    const customer = this.#options.seal.customer(customerId)
    const count = counts.get(customer)
    if (owned.get([customer, alias]) === undefined && count !== null) counts.putSync(customer, (count ?? 0) + 1)
    owned.putSync([customer, alias], true)
  }

  #owned(customer: string): string[] {
    const keys = this.#tables.owned.getKeys({ start: [customer], end: [customer, BEHIND] })
    return Array.from(keys, ([, alias]) => alias)
  }

  #dropEnded(): void {
    const { aliases, counts, ends } = this.#tables
    const now = this.#options.now()
    const ended = ends.getKeys({ start: [Number.MIN_SAFE_INTEGER], end: [now + 1], limit: DROP_STEP })
    for (const [until, kind, id] of [...ended]) {
      ends.removeSync([until, kind, id])
      if (kind === 'customer') {
        counts.removeSync(id)
        continue
      }
      const entry = aliases.get(id)
      // Linked again, or unlinked again later, in the meantime: that one has an end of its own.
      if (entry?.customerId === null && entry.at + UNLINKED_KEPT_MS <= until) aliases.removeSync(id)
    }
  }

  #read<T>(read: () => T): T {
    this.#checkOpen()
    try {
      return read()
    } catch (cause) {
      throw new IdentityError('identity_unavailable', 'the identity map cannot be read', { retryable: true, cause })
    }
  }

  async #write<T>(size: number, write: () => T): Promise<T> {
    this.#checkOpen()
    if (this.#waiting > 0 && this.#waiting + size > WAITING_MAX)
      throw new IdentityError('identity_unavailable', 'too many changes of aliases wait for the disk', {
        retryable: true,
      })
    this.#waiting += size
    try {
      return await this.#tables.aliases.childTransaction(() => {
        this.#dropEnded()
        return write()
      })
    } catch (cause) {
      const error = await translateWriteError(cause, this.#options.dir)
      const code = error.code === 'log_full' ? 'identity_full' : 'identity_unavailable'
      throw new IdentityError(code, 'the identity map cannot be written', { retryable: true, cause: error.cause })
    } finally {
      this.#waiting -= size
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new IdentityError('identity_closed', 'the identity map is closed', { retryable: false })
  }
}

function openTables(dir: string): Tables {
  try {
    mkdirSync(dir, { recursive: true })
    // A change is durable when it resolves; no batching by event turn, see `lmdb-log.ts`.
    const root = open({
      path: dir,
      noSubdir: false,
      mapSize: MAP_BYTES,
      overlappingSync: false,
      eventTurnBatching: false,
    })
    return {
      root,
      aliases: root.openDB({ name: 'aliases', encoding: 'json' }),
      owned: root.openDB({ name: 'owned', encoding: 'json' }),
      counts: root.openDB({ name: 'counts', encoding: 'json' }),
      ends: root.openDB({ name: 'ends', encoding: 'json' }),
    }
  } catch (cause) {
    throw new IdentityError('identity_unavailable', 'the directory of the identity map cannot be opened', {
      retryable: false,
      cause,
    })
  }
}
