import { dirname, join } from 'node:path'
import { openLmdbResources } from './lmdb-resources.ts'
import type { StorePlace } from './open-store.ts'
import { openRedisResources } from './redis/redis-resources.ts'
import type { RedisOptions } from './redis/redis-target.ts'
import type { Reservation, Resources } from './resource.ts'

/** Where an installation keeps its resources, as plain data that can cross to a worker thread. */
export type ResourcesPlace =
  | { readonly kind: 'lmdb'; readonly dir: string }
  | ({ readonly kind: 'redis' } & RedisOptions)

/**
 * The resources of a place, opened by the first call that needs them. When that fails, so does the call, and the next one tries again:
 * so an engine may start while they are away, and one whose pack has none opens nothing.
 */
export function openResources(place: ResourcesPlace): Resources {
  return new DeferredResources(async () =>
    place.kind === 'lmdb' ? openLmdbResources(place) : openRedisResources(place),
  )
}

/** Where the resources of an installation are: with its customers in Redis, else beside them. */
export function resourcesPlaceOf(store: StorePlace): ResourcesPlace {
  return store.kind === 'redis' ? store : { kind: 'lmdb', dir: join(dirname(store.dir), 'resources') }
}

class DeferredResources implements Resources {
  readonly #open: () => Promise<Resources>
  #opened: Promise<Resources> | null = null

  constructor(open: () => Promise<Resources>) {
    this.#open = open
  }

  async define(resource: string, capacity: number): Promise<void> {
    return (await this.#resources()).define(resource, capacity)
  }

  async reserve(resource: string, id: string, reservation: Reservation): ReturnType<Resources['reserve']> {
    return (await this.#resources()).reserve(resource, id, reservation)
  }

  async confirm(resource: string, id: string, amount: number): ReturnType<Resources['confirm']> {
    return (await this.#resources()).confirm(resource, id, amount)
  }

  async lapse(resource: string, id: string): ReturnType<Resources['lapse']> {
    return (await this.#resources()).lapse(resource, id)
  }

  async sweep(resource: string, now: number): Promise<number> {
    return (await this.#resources()).sweep(resource, now)
  }

  async count(resource: string): ReturnType<Resources['count']> {
    return (await this.#resources()).count(resource)
  }

  async *all(): ReturnType<Resources['all']> {
    yield* (await this.#resources()).all()
  }

  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => null)
    await opened?.close()
  }

  #resources(): Promise<Resources> {
    if (this.#opened !== null) return this.#opened
    const opening = this.#open()
    this.#opened = opening
    opening.catch(() => {
      this.#opened = null
    })
    return opening
  }
}
