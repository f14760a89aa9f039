/**
 * Whether memory and disk stay flat: `npm run bench -- soak [--minutes=10] [--rate=5000] [--out=FILE] [--json]`.
 *
 * The embedded engine under steady load from another process, with so short a retention that the logs reach their size
 * within the first third of the run. Prints a row every ten seconds; judged are the last two thirds.
 */
import { parseArgs } from 'node:util'
import { runProbed } from '../latency/probed-process.ts'
import { type BenchResult, printResult } from '../report.ts'
import type { SoakOptions } from './measure-soak.ts'

export async function benchSoak(): Promise<BenchResult> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      out: { type: 'string' },
      minutes: { type: 'string', default: '10' },
      rate: { type: 'string', default: '5000' },
      customers: { type: 'string', default: '20000' },
      grown: { type: 'string', default: '500' },
    },
    allowPositionals: true,
  })
  const options: SoakOptions = {
    minutes: Number(values.minutes),
    rate: Number(values.rate),
    customers: Number(values.customers),
    grown: Number(values.grown),
    out: values.out ?? null,
  }
  return runProbed(new URL('measure-soak.ts', import.meta.url), options)
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) printResult(await benchSoak())
