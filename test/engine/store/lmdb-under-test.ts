/** The embedded store for the conformance suite and its child processes: a small journal, so that folding happens all the time. */
import { openLmdbStore } from '../../../engine/store/lmdb-store.ts'
import type { Store } from '../../../engine/store/store.ts'

export async function openStore(place: string): Promise<Store> {
  return openLmdbStore({ dir: place, journalBytes: 1_200 })
}
