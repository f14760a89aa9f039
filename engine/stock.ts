/** The resources of the pack in force: their units put in force with it, and what is left of them for whoever asks. */
import type { CompiledPack } from '../rules/compiled.ts'
import type { Model, Text } from '../rules/model.ts'
import type { Resources } from './store/resource.ts'

/** What is left of a resource; null where it is not known: it is not defined, or the store does not answer. */
export type StockLine = {
  readonly resource: string
  readonly kind: 'stock' | 'budget'
  readonly text: Text
  /** As the pack says. */
  readonly units: number
  /** Free to be reserved. What has lapsed is. */
  readonly left: number | null
  /** Kept for customers who have not accepted yet. */
  readonly reserved: number | null
  /** Taken for good. */
  readonly confirmed: number | null
  /** Units promised beyond what there is: above 0 somebody has to be told. */
  readonly oversold: number | null
}

/** Reads what is left of every resource of the pack. Never rejects. */
export type ReadStock = () => Promise<readonly StockLine[]>

/**
 * Says how many units there are of each resource of a pack. Reservations stay as they are, and so does what another pack had.
 * @throws StoreError
 */
export async function defineResources(resources: Resources, { loaded }: Pick<CompiledPack, 'loaded'>): Promise<void> {
  await Promise.all(loaded.model.resources.map(({ id, units }) => resources.define(id, units)))
}

/** A reader of the resources of the pack in force. `now`: by which leases end. */
export function createStockReader(resources: Resources, model: () => Model, now: () => number): ReadStock {
  return () =>
    Promise.all(
      model().resources.map(async ({ id, kind, text, units }): Promise<StockLine> => {
        const line = { resource: id, kind, text, units }
        try {
          await resources.sweep(id, now())
          const count = await resources.count(id)
          if (count !== null) {
            const { capacity, reserved, confirmed, oversold } = count
            return { ...line, left: Math.max(0, capacity - reserved - confirmed), reserved, confirmed, oversold }
          }
        } catch {
          // Said below: nothing is known.
        }
        return { ...line, left: null, reserved: null, confirmed: null, oversold: null }
      }),
    )
}
