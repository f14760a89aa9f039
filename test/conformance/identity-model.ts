/** What the identity map has to say, in a few lines and memory. */
import type { ChangeReply, IdentityChange } from '../../ingest/identity/identity-map.ts'

/** Every alias with its customer (null: taken away) and since when; nothing is ever dropped. */
export class IdentityModel {
  readonly #aliases = new Map<string, { customerId: string | null; at: number }>()
  readonly #forgotten = new Set<string>()
  readonly #aliasesMax: number

  constructor(aliasesMax: number) {
    this.#aliasesMax = aliasesMax
  }

  customerOf(alias: string): string | null {
    return this.#aliases.get(alias)?.customerId ?? null
  }

  aliasesOf(customerId: string): readonly string[] {
    return [...this.#aliases].filter(([, entry]) => entry.customerId === customerId).map(([alias]) => alias)
  }

  change({ kind, alias, customerId, at }: IdentityChange): ChangeReply {
    const entry = this.#aliases.get(alias) ?? { customerId: null, at }
    const isOwn = entry.customerId === customerId
    if (kind === 'link' && this.#forgotten.has(customerId)) return 'forgotten'
    if (kind === 'link' && !isOwn && this.aliasesOf(customerId).length >= this.#aliasesMax) return 'full'
    if (entry.customerId !== null && !isOwn) return 'taken'
    const isOlder = entry.at > at
    if (kind === 'link' && !isOwn && isOlder) return 'stale'
    if (kind === 'unlink' && isOwn && isOlder) return 'stale'
    this.#aliases.set(alias, { customerId: kind === 'link' ? customerId : null, at: Math.max(at, entry.at) })
    return 'done'
  }

  forget(customerId: string): number {
    const aliases = this.aliasesOf(customerId)
    for (const alias of aliases) this.#aliases.delete(alias)
    this.#forgotten.add(customerId)
    return aliases.length
  }
}
