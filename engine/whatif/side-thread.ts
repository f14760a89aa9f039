/** The thread of a side: asks its process for rows of history, decodes and steps them, and hands over what came of it. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { compilePack } from '../../rules/compile-pack.ts'
import type { LoadedPack } from '../../rules/model.ts'
import type { SchemaPlace } from '../../sinks/codecs.ts'
import { HistoryError } from '../../sinks/history/history.ts'
import type { AskRows, RowBytes } from '../../sinks/history/record-rows.ts'
import { codeOf, placeOf } from '../shard/error-place.ts'
import { pastSource } from './past-source.ts'
import { type PastRange, PastReader } from './read-past.ts'
import type { RowsAnswered, RowsAsked } from './shared-rows.ts'
import { type Assumptions, Side, type SideData, WhatIfError } from './side.ts'

/** What the thread is started with. */
export type SideOrder = {
  readonly schemas: SchemaPlace
  readonly partitions: number
  readonly range: PastRange
  readonly pack: LoadedPack
  readonly isCompared: boolean
  readonly assumptions: Assumptions
}

export type FromSide =
  | RowsAsked
  /** Inputs that went through. */
  | { readonly kind: 'progress'; readonly inputs: number }
  | { readonly kind: 'done'; readonly data: SideData }
  | { readonly kind: 'refused'; readonly code: WhatIfError['code']; readonly message: string }
  /** `message` names no data; `isHistory`: it is why history did not answer. */
  | { readonly kind: 'failed'; readonly isHistory: boolean; readonly message: string }

async function work(port: MessagePort, order: SideOrder): Promise<FromSide> {
  const { schemas, partitions, range, pack, isCompared, assumptions } = order
  const tell = (message: FromSide): void => port.postMessage(message)
  try {
    const side = new Side({ ...assumptions, pack: compilePack(pack), isCompared })
    const source = pastSource(rowsOver(port), schemas, partitions)
    for await (const slice of new PastReader(source, range).slices()) {
      side.take(slice)
      tell({ kind: 'progress', inputs: side.inputs })
    }
    return { kind: 'done', data: side.data() }
  } catch (cause) {
    if (cause instanceof WhatIfError) return { kind: 'refused', code: cause.code, message: cause.message }
    if (cause instanceof HistoryError) return { kind: 'failed', isHistory: true, message: cause.message }
    return { kind: 'failed', isHistory: false, message: `${codeOf(cause)} (${placeOf(cause)})` }
  }
}

/** Asks whoever is at the other end for rows. A question leaves at once, also when this thread stands still right behind it. */
function rowsOver(port: MessagePort): AskRows {
  const waiting = new Map<number, PromiseWithResolvers<RowBytes>>()
  let last = 0
  port.on('message', (message: RowsAnswered) => {
    const asked = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.kind === 'rows') asked?.resolve(Buffer.from(message.bytes))
    else asked?.reject(new HistoryError(message.sentence))
  })
  return (query, params) => {
    const answer = Promise.withResolvers<RowBytes>()
    const id = ++last
    waiting.set(id, answer)
    port.postMessage({ kind: 'rows', id, query, params } satisfies RowsAsked)
    return answer.promise
  }
}

if (parentPort !== null) {
  const port = parentPort
  const order: SideOrder = workerData
  port.postMessage(await work(port, order))
  port.close()
}
