/** The Redis store for the conformance suite and its child processes. A place is `URL PREFIX`. */
import { openRedisStore } from '../../../../engine/store/redis/redis-store.ts'
import type { Store } from '../../../../engine/store/store.ts'

export async function openStore(place: string): Promise<Store> {
  const [url = '', prefix = ''] = place.split(' ')
  return openRedisStore({ urls: url.split(','), prefix })
}
