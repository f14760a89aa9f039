/** The thread of a replay of a stretch of time: reads history by itself, asks for packs, tells how far it is. */
import type { MessagePort } from 'node:worker_threads'
import type { LoadedLearned } from '../../rules/learned-table.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { openCodecs, type SchemaPlace } from '../../sinks/codecs.ts'
import type { HistoryAddress } from '../../sinks/history/client.ts'
import { openRecords } from '../../sinks/history/records.ts'
import { ReplayPacks } from './replay-packs.ts'
import { replaySpan, type SpanReport } from './replay-span.ts'

export type ReplayOrder = {
  readonly address: HistoryAddress
  readonly schemas: SchemaPlace
  readonly partitions: number
  readonly salt: string
  /** Unix milliseconds. */
  readonly from: number
  readonly to: number
  readonly port: MessagePort
}

export type ToReplay =
  | { readonly kind: 'pack'; readonly hash: string; readonly pack: LoadedPack | null }
  | { readonly kind: 'learned'; readonly hash: string; readonly learned: LoadedLearned | null }
  | { readonly kind: 'stop' }

export type FromReplay =
  | { readonly kind: 'pack' | 'learned'; readonly hash: string }
  | {
      readonly kind: 'progress'
      readonly partition: number
      readonly batches: number
      readonly decisions: number
    }
  /** Partition `partition` is through. */
  | { readonly kind: 'report'; readonly partition: number; readonly report: SpanReport }

/** Replays all partitions, one after the other. */
export default async function replay({
  port,
  address,
  schemas,
  partitions,
  salt,
  from,
  to,
}: ReplayOrder): Promise<void> {
  const waiting = new Map<string, (message: ToReplay) => void>()
  let isStopped = false
  port.on('message', (message: ToReplay) => {
    if (message.kind === 'stop') isStopped = true
    else waiting.get(`${message.kind} ${message.hash}`)?.(message)
  })
  const tell = (message: FromReplay): void => port.postMessage(message)
  const ask = (kind: 'pack' | 'learned', hash: string): Promise<ToReplay> =>
    new Promise((resolve) => {
      waiting.set(`${kind} ${hash}`, resolve)
      tell({ kind, hash })
    })
  const packs = new ReplayPacks({
    packOf: async (hash) => {
      const reply = await ask('pack', hash)
      return reply.kind === 'pack' ? reply.pack : null
    },
    learnedOf: async (hash) => {
      const reply = await ask('learned', hash)
      return reply.kind === 'learned' ? reply.learned : null
    },
  })
  const records = openRecords(address, { partitions })
  const codecs = openCodecs(schemas)
  try {
    for (let partition = 0; partition < partitions; partition++) {
      const onProgress = (batches: number, decisions: number): boolean => {
        tell({ kind: 'progress', partition, batches, decisions })
        return isStopped
      }
      const rest = { source: records, left: records, packs, codecs, salt, partition, from, to, onProgress }
      tell({ kind: 'report', partition, report: await replaySpan(rest) })
    }
  } finally {
    await records.close()
    port.close()
  }
}
