/** The engine on servers as a process that also tells what its caches hold. */
import { childOptions, endWithParent } from '../servers/child.ts'
import { ProgressTeller } from '../servers/progress.ts'
import { openServerEngine, type ServerEngineOptions } from '../servers/server-engine.ts'

/** Told once when it is open, and as the answer to `usage`: customers and bytes in the cache of its worker, by the cache's own account, and resident memory. */
export type UsageMessage = {
  readonly kind: 'usage'
  readonly customers: number
  readonly bytes: number
  readonly residentBytes: number
}

const teller = new ProgressTeller(() => engine.shards.drained())
const engine = await openServerEngine(childOptions<ServerEngineOptions>(), {
  onBatch: (report) => teller.done(report.events, report.partition, report.next),
})
process.on('message', (message) => {
  if (message === 'usage') void tellUsage()
})
endWithParent(async () => {
  await engine.stop()
  await teller.end()
})

await tellUsage()

async function tellUsage(): Promise<void> {
  const caches = await engine.shards.usage()
  const message: UsageMessage = {
    kind: 'usage',
    customers: caches.reduce((sum, { customers }) => sum + customers, 0),
    bytes: caches.reduce((sum, { bytes }) => sum + bytes, 0),
    residentBytes: process.memoryUsage.rss(),
  }
  process.send?.(message)
}
