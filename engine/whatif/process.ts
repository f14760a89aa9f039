/**
 * The process of a what-if: reads history, steps it under both packs, says how far it is, and ends. It has no way to change
 * anything: it only asks history, and knows of no log and no store. Ends with the engine, as its channel closes then.
 */
import { HistoryError } from '../../sinks/history/history.ts'
import { codeOf, placeOf } from '../shard/error-place.ts'
import type { FromWhatIf, ToWhatIf, WhatIfOrder } from './messages.ts'
import { pastOfHistory } from './past-of-history.ts'
import { runWhatIf } from './run-what-if.ts'
import { WhatIfError } from './side.ts'
import { SideError } from './start-side.ts'

process.on('disconnect', () => process.exit(0))
// Ctrl-C reaches the whole group; the engine decides when it stops.
process.on('SIGINT', () => undefined)
process.on('message', ({ order }: ToWhatIf) => {
  work(order).then(tell, (cause: unknown) => tell({ kind: 'refused', problems: [], ...refusalOf(cause) }))
})

async function work(order: WhatIfOrder): Promise<FromWhatIf> {
  const history = pastOfHistory(order.past, false)
  try {
    return await runWhatIf(history, order, (progress) => tell({ kind: 'progress', progress }))
  } finally {
    await history.close()
  }
}

function refusalOf(cause: unknown): Pick<Extract<FromWhatIf, { kind: 'refused' }>, 'code' | 'message'> {
  if (cause instanceof WhatIfError) return { code: cause.code, message: cause.message }
  if (cause instanceof SideError) return { code: 'failed', message: `It could not go on: ${cause.message}.` }
  if (cause instanceof HistoryError)
    return { code: 'failed', message: `History did not answer (${cause.message}). Ask again when it does.` }
  return { code: 'failed', message: `It could not go on: ${codeOf(cause)} (${placeOf(cause)}).` }
}

function tell(message: FromWhatIf): void {
  process.send?.(message)
}
