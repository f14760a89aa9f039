import type { StorePlace } from '../open-store.ts'
import type { BackupSource, EmbeddedFolders } from './backup-source.ts'
import { openLmdbSource } from './lmdb-source.ts'
import { openRedisSource } from './redis-source.ts'

/**
 * Opens a place for a backup; the engine that works there is not disturbed.
 * @param folders of what is embedded
 * @throws StoreError `store_unavailable`
 */
export async function openBackupSource(place: StorePlace, folders: EmbeddedFolders): Promise<BackupSource> {
  switch (place.kind) {
    case 'lmdb':
      return openLmdbSource({ dir: place.dir, mapSizeBytes: place.mapSizeBytes, ...folders })
    case 'redis':
      return openRedisSource(place)
    default:
      return place satisfies never
  }
}
