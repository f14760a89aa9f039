/**
 * A process to be killed: commits the workload without pause and prints each seq after its commit was applied.
 * Arguments: module that exports `openStore(place)`, place.
 */
import { randomUUID } from 'node:crypto'
import { writeSync } from 'node:fs'
import type { Store } from '../../engine/store/store.ts'
import { workloadCommit } from './store-workload.ts'

const [module, place] = process.argv.slice(2)
const { openStore }: { openStore: (place: string) => Promise<Store> } = await import(module ?? '')
const store = await openStore(place ?? '')
const token = randomUUID()
const meta = await store.acquire(0, token, '')
let seq = meta?.seq ?? 0
writeSync(1, `acquired ${seq}\n`)
for (;;) {
  const reply = await store.commit(0, workloadCommit(token, seq + 1))
  if (reply.kind !== 'applied') throw new Error(`the commit was not applied: ${reply.kind}`)
  seq++
  writeSync(1, `${seq}\n`)
}
