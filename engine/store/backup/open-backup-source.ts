import type { StorePlace } from '../open-store.ts'
import type { BackupSource } from './backup-source.ts'
import { openLmdbSource } from './lmdb-source.ts'
import { openRedisSource } from './redis-source.ts'

/**
 * Opens a place for a backup; the engine that works there is not disturbed.
 * @param resourcesDir folder of the embedded resources
 * @throws StoreError `store_unavailable`
 */
export async function openBackupSource(place: StorePlace, resourcesDir: string): Promise<BackupSource> {
  switch (place.kind) {
    case 'lmdb':
      return openLmdbSource({ dir: place.dir, mapSizeBytes: place.mapSizeBytes, resourcesDir })
    case 'redis':
      return openRedisSource(place)
    default:
      return place satisfies never
  }
}
