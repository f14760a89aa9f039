/** Where the identity map is kept: beside the customers, embedded or in Redis. */
import { type AliasSeal, createAliasSeal } from '../ingest/identity/alias-seal.ts'
import { createIdentities, type Identities } from '../ingest/identity/identities.ts'
import type { IdentityMap } from '../ingest/identity/identity-map.ts'
import { openLmdbIdentityMap } from '../ingest/identity/lmdb-identity-map.ts'
import { clockAheadMaxMs } from '../rules/compiled.ts'
import { embeddedFolders } from './compose-store.ts'
import { openRedisIdentityMap } from './identity/redis-identity-map.ts'
import { aliasSecret } from './nodes/node-key.ts'
import type { StorePlace } from './store/open-store.ts'

export type IdentitySide = { readonly map: IdentityMap; readonly identities: Identities }

/**
 * Opens the identity map of an installation.
 * @throws IdentityError `identity_unavailable`
 */
export async function openIdentitySide(options: {
  readonly place: StorePlace
  readonly dataDir: string
  readonly salt: string
  /** How late an event may come, by the pack in force. */
  readonly latenessMs: () => number
  readonly now: () => number
}): Promise<IdentitySide> {
  const seal = createAliasSeal(aliasSecret(options.salt))
  const map = await openMap(options, seal)
  const parts = {
    map,
    seal,
    get latenessMs() {
      return options.latenessMs()
    },
    aheadMaxMs: clockAheadMaxMs,
  }
  return { map, identities: createIdentities(parts) }
}

async function openMap(
  { place, dataDir, now }: { readonly place: StorePlace; readonly dataDir: string; readonly now: () => number },
  seal: AliasSeal,
): Promise<IdentityMap> {
  switch (place.kind) {
    case 'lmdb':
      return openLmdbIdentityMap({ dir: embeddedFolders({ DATA_DIR: dataDir }).identityDir, seal, now })
    case 'redis':
      return openRedisIdentityMap({ ...place, seal })
    default:
      return place satisfies never
  }
}
