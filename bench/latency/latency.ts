/**
 * How long an event takes through the embedded engine, from the instant it was due: `npm run bench -- latency [--json]
 * [--out=FILE] [--rates=10000,50000] [--rounds=3] [--seconds=18]`.
 *
 * Open model: a generator in another process sends by a schedule. Rounds in turn: an echo (generator -> main -> worker ->
 * main), a log append alone, the engine. See `docs/benchmarks.md`.
 */
import { parseArgs } from 'node:util'
import { type BenchResult, printResult } from '../report.ts'
import type { LatencyOptions } from './measure.ts'
import { runProbed } from './probed-process.ts'

export async function benchLatency(): Promise<BenchResult> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      out: { type: 'string' },
      rates: { type: 'string', default: '10000,50000' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '18' },
      customers: { type: 'string', default: '50000' },
      grown: { type: 'string', default: '1000' },
    },
    allowPositionals: true,
  })
  const seconds = Number(values.seconds)
  const options: LatencyOptions = {
    customers: Number(values.customers),
    grown: Number(values.grown),
    rates: values.rates.split(',').map(Number),
    rounds: Number(values.rounds),
    seconds,
    echoSeconds: Math.max(2, seconds / 3),
    appendSeconds: Math.max(2, seconds / 4),
    out: values.out ?? null,
  }
  return runProbed(new URL('measure-latency.ts', import.meta.url), options)
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) printResult(await benchLatency())
