/** A process that imports a file into a text file of event ids, for tests that kill it: `node import-process.ts DIR`. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { runImport } from '../../../ingest/import/command.ts'

const directory = process.argv[2] ?? '.'
const log = join(directory, 'log.txt')
const known = new Set(existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [])

const result = await runImport({
  inputs: [{ file: join(directory, 'rows.csv'), mapping: join(directory, 'm.yaml') }],
  directory: join(directory, 'import'),
  clock: 'event',
  advanceClock: () => {},
  submit: async (events) => {
    // Two windows made wide enough to be hit: before the engine kept the batch, and before the ledger knows of it.
    console.log('offered')
    await setTimeout(4)
    const fresh = events.filter((event) => !known.has(event.id))
    appendFileSync(log, fresh.map((event) => `${event.id}\n`).join(''))
    console.log('kept')
    await setTimeout(4)
    return events.map((event) => (known.has(event.id) ? 'duplicate' : 'accepted'))
  },
  progress: null,
  signal: new AbortController().signal,
})
console.log(JSON.stringify(result))
