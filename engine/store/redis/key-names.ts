/**
 * Names of everything kept in Redis, made nowhere else. All of a partition, and all of a resource, carry one hash tag, so that
 * one script may touch them together, also in Redis Cluster.
 */
import assert from 'node:assert/strict'

/** Prefix of every key unless an installation has another one. */
export const defaultPrefix = 'proffer:'

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

  /** The state of a customer: a string. */
  state(partition: number, customerId: string): string {
    return `${this.#prefix}{p${partition}}:c:${customerId}`
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
}
