/**
 * The process of a shadow: follows history under both packs and writes what each would have decided into a table of its own. It has no way to
 * publish: it asks history, knows of no log and no store, and its one insert names `shadow_decisions_raw`.
 */
import { z } from 'zod'
import { createHistoryClient, rowsOf } from '../../sinks/history/client.ts'
import { codeOf, placeOf } from '../shard/error-place.ts'
import { WhatIfError } from '../whatif/side.ts'
import type { FromShadow, ShadowOrder, ToShadow } from './messages.ts'
import { runShadow } from './run-shadow.ts'

/** Answers that change nothing are written so much later than they were made, at most. */
const lateMs = 5_000

let until = 0
let woken: () => void = () => undefined

process.on('disconnect', () => process.exit(0))
// Ctrl-C reaches the whole group; the engine decides when it stops.
process.on('SIGINT', () => undefined)
process.on('message', (message: ToShadow) => {
  if (message.kind === 'until') {
    until = Math.max(until, message.at)
    woken()
    return
  }
  follow(message.order).catch((cause: unknown) => {
    const known = cause instanceof WhatIfError
    const text = known ? cause.message : `It could not go on: ${codeOf(cause)} (${placeOf(cause)}).`
    tell({ kind: 'refused', message: text, final: known })
  })
})

async function follow(order: ShadowOrder): Promise<void> {
  const client = createHistoryClient(order.past.address, { isBusy: true })
  let seen = 0
  const [written] = await rowsOf(
    client,
    z.object({ at: z.number() }),
    'SELECT toUnixTimestamp64Milli(max(decided_at)) AS at FROM shadow_decisions_raw WHERE run = {run:String}',
    { run: order.run },
  )
  await runShadow(order, {
    writtenUntil: (written?.at ?? 0) - lateMs,
    insert: async (rows) => {
      await client.insert({ table: 'shadow_decisions_raw', values: [...rows], format: 'JSONEachRow' })
    },
    tell,
    until: async () => {
      while (until <= seen) {
        await new Promise<void>((resolve) => {
          woken = resolve
        })
      }
      seen = until
      return seen
    },
  })
}

function tell(message: FromShadow): void {
  process.send?.(message)
}
