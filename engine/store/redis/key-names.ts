/**
 * Names of everything kept in Redis, made nowhere else. All of a partition, and all of a resource, carry one hash tag, so that
 * one script may touch them together, also in Redis Cluster.
 */
import assert from 'node:assert/strict'
import { isSealedAlias } from '../../../ingest/identity/alias.ts'

/** Prefix of every key unless an installation has another one. */
export const defaultPrefix = 'proffer:'

/** What a key is, as far as others than its maker have to know. */
export type ParsedKey =
  | { readonly kind: 'cluster' }
  | { readonly kind: 'pack'; readonly hash: string }
  | { readonly kind: 'state'; readonly partition: number; readonly customerId: string }
  /** The header, or something else of a partition. */
  | { readonly kind: 'meta' | 'rest'; readonly partition: number }
  | { readonly kind: 'resource' | 'leases'; readonly name: string }
  /** Sealed, both of them. */
  | { readonly kind: 'alias'; readonly alias: string }
  | { readonly kind: 'aliases'; readonly customer: string }

/** The keys of one installation. */
export class KeyNames {
  readonly #prefix: string

  /** @param prefix 1 to 64 printable ASCII characters without braces, which would move the hash tag */
  constructor(prefix: string) {
    assert(/^[!-z|~]{1,64}$/.test(prefix), 'a key prefix is 1 to 64 ASCII characters without braces and spaces')
    this.#prefix = prefix
  }

  /** The installation's record: a string. */
  get cluster(): string {
    return `${this.#prefix}cluster`
  }

  /** A pack's JSON: a string. */
  pack(hash: string): string {
    return `${this.#prefix}pack:${hash}`
  }

  /** The header of a partition: a hash. */
  meta(partition: number): string {
    return `${this.#prefix}{p${partition}}:meta`
  }

  /** The outbox of a partition: a hash, a field a seq. */
  outbox(partition: number): string {
    return `${this.#prefix}{p${partition}}:o`
  }

  /** The tombstones of a partition: a hash, a field an erased customer. */
  tombstones(partition: number): string {
    return `${this.#prefix}{p${partition}}:t`
  }

  /** When something of a customer is due next: a sorted set of customer ids. */
  due(partition: number): string {
    return `${this.#prefix}{p${partition}}:due`
  }

  /** Customers changed since a backup has copied them: a set of their states' keys, there only while one runs. */
  changed(partition: number): string {
    return `${this.#prefix}{p${partition}}:changed`
  }

  /** The state of a customer: a string. */
  state(partition: number, customerId: string): string {
    return `${this.#prefix}{p${partition}}:c:${customerId}`
  }

  /** How the keys of a partition's states begin; the customer's id follows. */
  states(partition: number): string {
    return this.state(partition, '')
  }

  /** Whose an alias is: a hash. In a slot of its own, as what follows. */
  alias(sealed: string): string {
    return `${this.#prefix}a:${sealed}`
  }

  /** The aliases of a customer: a hash, a field an alias. */
  aliasesOf(sealedCustomer: string): string {
    return `${this.#prefix}i:${sealedCustomer}`
  }

  /** Totals and reservations of a resource: a hash. */
  resource(name: string): string {
    return `${this.#prefix}{r:${name}}`
  }

  /** Until when each open reservation of a resource is leased: a sorted set. */
  leases(name: string): string {
    return `${this.#prefix}{r:${name}}:leases`
  }

  /** Pattern of SCAN for these keys; `parse` tells which of what it finds are ours, for another prefix may begin like this one. */
  pattern(which: 'all' | 'packs' | 'partitions' | 'resources' | 'identities'): string {
    const prefix = this.#prefix.replace(/[\\[\]?*^-]/g, '\\$&')
    const rest = { all: '*', packs: 'pack:*', partitions: '{p*', resources: '{r:*', identities: '[ai]:*' } as const
    return prefix + rest[which]
  }

  /** What a key is; null: none of this installation's. */
  parse(key: string): ParsedKey | null {
    if (!key.startsWith(this.#prefix)) return null
    const name = key.slice(this.#prefix.length)
    if (name === 'cluster') return { kind: 'cluster' }
    const [, hash] = /^pack:(.+)$/.exec(name) ?? []
    if (hash !== undefined) return { kind: 'pack', hash }
    if (name.startsWith('a:') && isSealedAlias(name.slice(2))) return { kind: 'alias', alias: name.slice(2) }
    const [, customer] = /^i:([A-Za-z0-9_-]{22})$/.exec(name) ?? []
    if (customer !== undefined) return { kind: 'aliases', customer }
    const [, resource, leases] = /^\{r:([^{}]+)\}(:leases)?$/.exec(name) ?? []
    if (resource !== undefined) return { kind: leases === undefined ? 'resource' : 'leases', name: resource }
    const [, number, customerId, other] = /^\{p(\d{1,4})\}:(?:c:(.+)|(meta|o|t|due|changed))$/s.exec(name) ?? []
    if (number === undefined) return null
    const partition = Number(number)
    if (customerId !== undefined) return { kind: 'state', partition, customerId }
    return { kind: other === 'meta' ? 'meta' : 'rest', partition }
  }
}
