/** What the past is computed again with: packs and learned tables of then, and the replays that run. */
import { type LoadedLearned, printLearned, readLearned } from '../rules/learned-table.ts'
import type { History } from '../sinks/history/history.ts'
import { packOf } from './compose-packs.ts'
import { ReplayJobs, type ReplayJobsParts } from './replay/replay-jobs.ts'
import type { KeptPacks } from './replay/replay-packs.ts'
import type { StartStack } from './start-stack.ts'
import type { Cluster, Store } from './store/store.ts'

/** The name that a learned table is kept under, like a pack. */
function learnedName(hash: string): string {
  return `learned-${hash}`
}

/** What a store keeps of this and earlier starts, by hash. Every call throws StoreError. */
export function keptPacks(store: Pick<Store, 'pack'>): KeptPacks {
  return {
    packOf: (hash) => packOf(store, hash),
    async learnedOf(hash) {
      const text = await store.pack(learnedName(hash))
      const result = text === null ? null : readLearned(text)
      return result?.kind === 'ok' ? result.learned : null
    },
  }
}

type PastParts = Pick<ReplayJobsParts, 'schemas'> & {
  readonly store: Pick<Store, 'pack' | 'putPack'>
  readonly learned: LoadedLearned | null
  readonly stack: Pick<StartStack, 'push'>
  readonly cluster: Pick<Cluster, 'partitions' | 'salt'>
  readonly history: Pick<History, 'address'> | null
}

type Past = KeptPacks & { readonly replays: ReplayJobs }

/**
 * Keeps the learned table in force, so that a replay finds it later, and opens the replays.
 * @throws StoreError
 */
export async function openReplays({ store, learned, stack, cluster, history, schemas }: PastParts): Promise<Past> {
  if (learned !== null) await store.putPack(learnedName(learned.hash), printLearned(learned))
  const kept = keptPacks(store)
  const { partitions, salt } = cluster
  const address = () => history?.address() ?? null
  const replays = new ReplayJobs({ ...kept, partitions, salt, schemas, address })
  stack.push('replays', () => replays.stop())
  return { ...kept, replays }
}
