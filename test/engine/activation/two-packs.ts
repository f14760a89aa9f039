/** Two versions of the shipped pack that can be told apart in every decision, kept in a store with their certificates. */
import { activatePack } from '../../../engine/activate-pack.ts'
import { certificateName } from '../../../engine/proof/certificate.ts'
import { certify } from '../../../engine/proof/certify.ts'
import { openStore, type StorePlace } from '../../../engine/store/open-store.ts'
import { type Cluster, nothingAdded, storeFormat } from '../../../engine/store/store.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import type { CompiledPack } from '../../../rules/compiled.ts'
import { loadPack } from '../../../rules/load-pack.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import { loadFiles, originals, retailBank } from '../../rules/patched-pack.ts'

/** An offer of the first version, that the second one calls otherwise. */
export const oldOffer = 'banner_card_statement'
export const newOffer = 'banner_card_statement_2'

export type TwoPacks = { readonly first: LoadedPack; readonly second: LoadedPack }

export async function twoPacks(): Promise<TwoPacks> {
  const shipped = await loadPack(retailBank)
  const files = new Map(await originals())
  for (const [name, text] of files) files.set(name, text.replaceAll(new RegExp(`\\b${oldOffer}\\b`, 'g'), newOffer))
  const feature = '{ id: online_30d, kind: count, event: card.purchase, where: event.channel == "online", window: 30d }'
  files.set('features.yaml', `${files.get('features.yaml')}\n  - ${feature}\n`)
  const changed = await loadFiles(files)
  if (shipped.kind !== 'ok' || changed.kind !== 'ok') throw new Error(`both packs load: ${JSON.stringify(changed)}`)
  return { first: shipped.pack, second: changed.pack }
}

/** The record of an installation of one partition that began with a pack and knows its whole past. */
export function recordOfFirst({ loaded, layout }: CompiledPack): Cluster {
  return {
    ...{ format: storeFormat, partitions: 1, clock: 'wall', log: '', salt: 'salt', completeSince: 0 },
    pack: loaded.hash,
    observedSince: Object.fromEntries(layout.series.map(({ key }) => [key, 0])),
    ...nothingAdded,
  }
}

/** Keeps versions as a proposal does. */
export async function keepPacks(place: StorePlace, packs: readonly LoadedPack[]): Promise<void> {
  const store = openStore(place)
  for (const pack of packs) {
    await store.putPack(certificateName(pack.hash), JSON.stringify(certify(compilePack(pack)).certificate))
    await store.putPack(pack.hash, JSON.stringify(pack.model))
  }
  await store.close()
}

/** Has the installation's record name a kept pack, and tells nobody. False: somebody else changed it. */
export async function recordPack(place: StorePlace, pack: LoadedPack): Promise<boolean> {
  const store = openStore(place)
  try {
    const cluster = await store.cluster()
    if (cluster === null) throw new Error('there is an installation')
    const { layout } = compilePack(pack)
    return await store.putCluster(activatePack(cluster, { hash: pack.hash, layout }, Date.now()), cluster)
  } finally {
    await store.close()
  }
}
