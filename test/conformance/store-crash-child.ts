/**
 * A process that ends itself by kill -9 at a chosen moment of one commit of the workload.
 * Arguments: module that exports `openStore(place)`, place, moment, the commit's number. Prints the token that it took.
 */
import { writeSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import type { Store } from '../../engine/store/store.ts'
import { workloadCommit } from './store-workload.ts'

const [module = '', place = '', moment = '', number = ''] = process.argv.slice(2)
const { openStore }: { openStore: (place: string) => Promise<Store> } = await import(module)
const store = await openStore(place)
const token = `token-${process.pid}`
await store.acquire(0, token, '')
writeSync(1, `${token}\n`)
// What the store reads once is read before.
await store.load(0, ['C0'])
const die = (): void => {
  process.kill(process.pid, 'SIGKILL')
}
if (moment === 'before') die()
const committed = store.commit(0, workloadCommit(token, Number(number))).then((reply) => {
  if (moment === 'after' && reply.kind === 'applied') die()
})
if (moment === 'sent') {
  await turn()
  die()
}
await committed
