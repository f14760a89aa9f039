import type { Settlement } from '../step/funnel/stock-view.ts'
import type { Resources } from '../store/resource.ts'

/** Told when more units are promised than there are: by how many, and when that grew or ended. */
export type OnOversold = (resource: string, units: number) => void

/**
 * Settles what commits said of reserved units: taken for good, or free again. Driven by what is committed and stored with the commit, so a
 * crash settles it again; idempotent by the claim.
 */
export class Settler {
  readonly #resources: Resources
  readonly #onOversold: OnOversold
  readonly #oversold = new Map<string, number>()

  constructor(resources: Resources, onOversold: OnOversold) {
    this.#resources = resources
    this.#onOversold = onOversold
  }

  /**
   * All at once, in no order: a claim is settled once, or again the same way.
   * @throws StoreError when one was not answered: settle all of them again
   */
  async settle(settlements: readonly Settlement[]): Promise<void> {
    const done = await Promise.allSettled(settlements.map((one) => this.#settle(one)))
    for (const one of done) if (one.status === 'rejected') throw one.reason
  }

  close(): Promise<void> {
    return this.#resources.close()
  }

  async #settle({ kind, resource, id, amount }: Settlement): Promise<void> {
    if (kind === 'lapse') {
      await this.#resources.lapse(resource, id)
      return
    }
    const { oversold } = await this.#resources.confirm(resource, id, amount)
    if (oversold === (this.#oversold.get(resource) ?? 0)) return
    this.#oversold.set(resource, oversold)
    this.#onOversold(resource, oversold)
  }
}
