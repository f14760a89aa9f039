/** What the store remembers of the control log, so that a log that was emptied or cut off is not taken for a new one. */
import { z } from 'zod'
import type { Store } from '../store/store.ts'
import type { ControlState } from './control-state.ts'

/** As of one record: its hash, and the sources that were revoked then. */
export type Mark = {
  readonly head: string
  readonly revoked: readonly (readonly [
    source: string,
    by: { readonly who: string; readonly at: number; readonly why: string },
  ])[]
}

/** One mark a record, written once and never changed. Every node writes them in the order of the records, so that none is left out. */
export type ControlMarks = {
  /** @throws StoreError */
  read(number: number): Promise<Mark | null>
  /** @throws StoreError */
  write(number: number, mark: Mark): Promise<void>
}

const by = z.object({ who: z.string(), at: z.number(), why: z.string() })
const mark = z.object({ head: z.string(), revoked: z.array(z.tuple([z.string(), by])) })

/** Marks in the store, beside the packs. */
export function marksIn(store: Pick<Store, 'pack' | 'putPack'>): ControlMarks {
  const name = (number: number) => `control-${number}`
  return {
    read: async (number) => {
      const text = await store.pack(name(number))
      return text === null ? null : mark.parse(JSON.parse(text))
    },
    write: (number, found) => store.putPack(name(number), JSON.stringify(found)),
  }
}

/** What a mark needs of the state: the rest is not to be kept for each record. */
export type Markable = Pick<ControlState, 'number' | 'head' | 'revokedSources'>

export function markableOf({ number, head, revokedSources }: ControlState): Markable {
  return { number, head, revokedSources }
}

export function markOf({ head, revokedSources }: Markable): Mark {
  return { head, revoked: [...revokedSources].map(([source, { who, at, why }]) => [source, { who, at, why }]) }
}

/** The newest mark behind record `number`; null: there is none. */
export async function newestMark(marks: Pick<ControlMarks, 'read'>, number: number): Promise<Mark | null> {
  let newest: Mark | null = null
  for (let next = number + 1; ; next++) {
    const found = await marks.read(next)
    if (found === null) return newest
    newest = found
  }
}

/** Number of the newest record up to `number` that has a mark; 0: none has. */
export async function lastMarked(marks: Pick<ControlMarks, 'read'>, number: number): Promise<number> {
  let last = number
  while (last > 0 && (await marks.read(last)) === null) last--
  return last
}
