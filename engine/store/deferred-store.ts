import type { Cluster, Commit, CommitMeta, Store } from './store.ts'

/**
 * A store that is opened by the first call that needs it. When that fails, so does the call, and the next one tries again: so
 * a thread may start, and start again, while its store is away.
 */
export class DeferredStore implements Store {
  readonly #open: () => Promise<Store>
  #opened: Promise<Store> | null = null

  constructor(open: () => Promise<Store>) {
    this.#open = open
  }

  async cluster(): ReturnType<Store['cluster']> {
    return (await this.#store()).cluster()
  }

  async putCluster(cluster: Cluster, before: Cluster | null): ReturnType<Store['putCluster']> {
    return (await this.#store()).putCluster(cluster, before)
  }

  async putPack(hash: string, json: string): ReturnType<Store['putPack']> {
    return (await this.#store()).putPack(hash, json)
  }

  async pack(hash: string): ReturnType<Store['pack']> {
    return (await this.#store()).pack(hash)
  }

  async create(partition: number, meta: CommitMeta): ReturnType<Store['create']> {
    return (await this.#store()).create(partition, meta)
  }

  async acquire(partition: number, token: string, addr: string): ReturnType<Store['acquire']> {
    return (await this.#store()).acquire(partition, token, addr)
  }

  async release(partition: number, token: string): ReturnType<Store['release']> {
    return (await this.#store()).release(partition, token)
  }

  async meta(partition: number): ReturnType<Store['meta']> {
    return (await this.#store()).meta(partition)
  }

  async load(partition: number, customerIds: readonly string[]): ReturnType<Store['load']> {
    return (await this.#store()).load(partition, customerIds)
  }

  async commit(partition: number, commit: Commit): ReturnType<Store['commit']> {
    return (await this.#store()).commit(partition, commit)
  }

  async outbox(partition: number, from: number, to: number): ReturnType<Store['outbox']> {
    return (await this.#store()).outbox(partition, from, to)
  }

  async due(partition: number, limit: number): ReturnType<Store['due']> {
    return (await this.#store()).due(partition, limit)
  }

  async tombstones(partition: number, keepSince: number): ReturnType<Store['tombstones']> {
    return (await this.#store()).tombstones(partition, keepSince)
  }

  async now(): ReturnType<Store['now']> {
    return (await this.#store()).now()
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = null
    // What never came to be open needs no closing.
    await opened?.then((store) => store.close()).catch(() => undefined)
  }

  #store(): Promise<Store> {
    this.#opened ??= this.#open().catch((error: unknown) => {
      this.#opened = null
      throw error
    })
    return this.#opened
  }
}
