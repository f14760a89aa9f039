import { initStore } from '../../engine/store/init-store.ts'
import { openRedisStore } from '../../engine/store/redis/redis-store.ts'
import { nothingAdded, storeFormat } from '../../engine/store/store.ts'
import { compilePack } from '../../rules/compile-pack.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { seedCustomers } from '../step/seed-customers.ts'
import { benchSalt, type TypicalStates } from '../step/typical-states.ts'

export type StorePlan = {
  readonly redisUrl: string
  /** Of the keys. */
  readonly prefix: string
  readonly pack: LoadedPack
  readonly partitions: number
  /** Customers who are there from the beginning; null: nobody. */
  readonly seed: { readonly typical: TypicalStates; readonly customers: number } | null
}

/** Makes a new installation in Redis whose log is complete, with customers of a month. */
export async function prepareStore({ redisUrl, prefix, pack, partitions, seed }: StorePlan): Promise<void> {
  const store = await openRedisStore({ urls: [redisUrl], prefix, waitReplicas: 0 })
  try {
    await initStore(store, {
      format: storeFormat,
      partitions,
      clock: 'wall',
      log: '',
      salt: benchSalt,
      completeSince: 0,
      pack: pack.hash,
      ...nothingAdded,
      observedSince: Object.fromEntries(compilePack(pack).layout.series.map(({ key }) => [key, 0])),
    })
    if (seed !== null) await seedCustomers(store, { packHash: pack.hash, partitions, ...seed })
  } finally {
    await store.close()
  }
}
