import type { CompiledPack } from '../../rules/compiled.ts'
import type { Cluster } from '../store/store.ts'

/** The pack that the parts on the main thread work with, and the installation's record that put it in force. */
export class PackInForce {
  #pack: CompiledPack
  #cluster: Cluster
  #before: CompiledPack | null = null

  constructor(pack: CompiledPack, cluster: Cluster) {
    this.#pack = pack
    this.#cluster = cluster
  }

  get pack(): CompiledPack {
    return this.#pack
  }

  /** The record as it was when the pack came into force here; a backfill may have changed it since. */
  get cluster(): Cluster {
    return this.#cluster
  }

  /** The pack before: answers made under it may still be on their way out. null: there was none. */
  get before(): CompiledPack | null {
    return this.#before
  }

  switchTo(pack: CompiledPack, cluster: Cluster): void {
    this.#before = this.#pack
    this.#pack = pack
    this.#cluster = cluster
  }
}
