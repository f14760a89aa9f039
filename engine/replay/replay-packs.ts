import type { CompiledPack } from '../../rules/compiled.ts'
import type { LoadedLearned } from '../../rules/learned-table.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { compileBeside } from '../compile-beside.ts'

/** Where packs and learned tables are kept, by hash; null: it is not. */
export type KeptPacks = {
  readonly packOf: (hash: string) => Promise<LoadedPack | null>
  readonly learnedOf: (hash: string) => Promise<LoadedLearned | null>
}

/** Most packs that are held compiled; the one longest unused goes. */
const packsMax = 8
const sliceMs = 5

/** Packs and learned tables of then, compiled once each. */
export class ReplayPacks {
  readonly #kept: KeptPacks
  readonly #packs = new Map<string, CompiledPack>()
  readonly #learned = new Map<string, LoadedLearned>()

  /** @param compiled packs that are compiled on this thread already, such as the one in force: compiling beside callers takes seconds */
  constructor(kept: KeptPacks, compiled: readonly CompiledPack[] = []) {
    this.#kept = kept
    for (const pack of compiled.slice(0, packsMax)) this.#packs.set(pack.loaded.hash, pack)
  }

  /** Fetches what a form needs. Returns the hash of what is not kept; null: everything is. */
  async load({ pack, learned }: { readonly pack: string; readonly learned: string }): Promise<string | null> {
    if (!this.#packs.has(pack)) {
      const loaded = await this.#kept.packOf(pack)
      if (loaded === null) return pack
      // One decision is computed beside everything else that the API answers.
      const compiled = await compileBeside(loaded, sliceMs)
      makeRoom(this.#packs)
      this.#packs.set(pack, compiled)
    }
    if (learned !== '' && !this.#learned.has(learned)) {
      const loaded = await this.#kept.learnedOf(learned)
      if (loaded === null) return learned
      makeRoom(this.#learned)
      this.#learned.set(learned, loaded)
    }
    return null
  }

  /** A pack that was loaded; undefined: it was not, or went since. */
  pack(hash: string): CompiledPack | undefined {
    return this.#packs.get(hash)
  }

  learned(hash: string): LoadedLearned | undefined {
    return this.#learned.get(hash)
  }
}

function makeRoom(held: Map<string, unknown>): void {
  if (held.size < packsMax) return
  const [oldest] = held.keys()
  if (oldest !== undefined) held.delete(oldest)
}
