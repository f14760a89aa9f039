/** Sides of a what-if in threads of their own. */
import { Worker } from 'node:worker_threads'
import { HistoryError } from '../../sinks/history/history.ts'
import { heapMb, youngMb } from './fork-process.ts'
import type { SharedRows } from './shared-rows.ts'
import { type SideData, WhatIfError } from './side.ts'
import type { FromSide, SideOrder } from './side-thread.ts'

export type StartedSide = {
  /** What came of it; rejects when it cannot go on: WhatIfError, HistoryError, SideError. */
  readonly data: Promise<SideData>
  end(): Promise<unknown>
}

/** The thread of a side could not go on; `message` says where and names no data. */
export class SideError extends Error {}

/**
 * Starts one. It ends by itself when it is through.
 * @param onProgress told of the inputs that went through
 */
export function startSide(workerData: SideOrder, rows: SharedRows, onProgress: (inputs: number) => void): StartedSide {
  const worker = new Worker(new URL('side-thread.ts', import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: 3 * youngMb },
  })
  const data = new Promise<SideData>((resolve, reject) => {
    worker.on('message', (message: FromSide) => {
      if (message.kind === 'rows') rows.answer(worker, message)
      else if (message.kind === 'progress') onProgress(message.inputs)
      else if (message.kind === 'done') resolve(message.data)
      else reject(failureOf(message))
    })
    worker.once('error', reject)
    worker.once('exit', () => reject(new SideError('it ended')))
  })
  return { data, end: () => worker.terminate() }
}

function failureOf(message: Extract<FromSide, { kind: 'refused' | 'failed' }>): Error {
  if (message.kind === 'refused') return new WhatIfError(message.code, message.message)
  return message.isHistory ? new HistoryError(message.message) : new SideError(message.message)
}
