/** The engine on servers as a process: decides what is in its topic, and tells how far it is. */
import { childOptions, endWithParent } from './child.ts'
import { ProgressTeller } from './progress.ts'
import { openServerEngine, type ServerEngineOptions } from './server-engine.ts'

const teller = new ProgressTeller(() => engine.shards.drained())
const engine = await openServerEngine(childOptions<ServerEngineOptions>(), {
  onBatch(report) {
    teller.done(report.events, report.partition, report.next)
    if (report.events === 0) return
    teller.add('batches', 1)
    for (const name of ['customers', 'loaded', 'loadMs', 'stepMs', 'commitMs'] as const) teller.add(name, report[name])
  },
})
endWithParent(async () => {
  await engine.stop()
  await teller.end()
})
