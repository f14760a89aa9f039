/** What every benchmark gives back, and how it is printed. */
import { cpus, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'

/** Whether an aim was reached, said in the open either way. */
export type Verdict = {
  /** What was aimed at, with its number. */
  readonly aim: string
  readonly reached: boolean
  /** What was measured, in words, with units. */
  readonly measured: string
  /** What bounds it. */
  readonly bound: string
}

/** Ratios are the claim (against something else in the same run); figures are information; units end the names. */
export type BenchResult = {
  readonly name: string
  /** Whether what must never be otherwise was so; false ends the command with exit code 1. Aims that were missed do not. */
  readonly held?: boolean
  /** The few figures that the benchmark is about, put at the top of the JSON object too. */
  readonly headline?: Readonly<Record<string, number>>
  readonly verdicts?: readonly Verdict[]
  readonly ratios: Readonly<Record<string, number>>
  readonly figures: Readonly<Record<string, number | string>>
  readonly machine: Readonly<Record<string, number | string>>
}

/** The machine a figure was taken on. */
export function machine(): BenchResult['machine'] {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  }
}

/** Middle value of an odd number of rounds (lower middle of an even one). */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}

/** A number for people, with fewer digits the larger it is; one that was not measured (NaN) as `unknown`. */
export function shown(value: number): string {
  if (Number.isNaN(value)) return 'unknown'
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 3 : 1 })
}

/** Prints a result for people, and as one JSON object on the last line with `--json`. */
export function printResult(result: BenchResult): void {
  const { values } = parseArgs({ options: { json: { type: 'boolean' } }, strict: false })
  const show = (value: number | string) => (typeof value === 'number' ? shown(value) : value)
  process.stdout.write(`\n${result.name}\n`)
  for (const { aim, reached, measured, bound } of result.verdicts ?? []) {
    process.stdout.write(`  ${reached ? 'REACHED    ' : 'NOT REACHED'} ${aim}\n`)
    process.stdout.write(`    measured: ${measured}\n    bound by: ${bound}\n`)
  }
  for (const [kind, entries] of [
    ['headline', result.headline ?? {}],
    ['ratios', result.ratios],
    ['figures', result.figures],
    ['machine', result.machine],
  ] as const) {
    if (Object.keys(entries).length > 0) process.stdout.write(`  ${kind}\n`)
    for (const [name, value] of Object.entries(entries)) process.stdout.write(`    ${name.padEnd(52)} ${show(value)}\n`)
  }
  const { name, headline, ...rest } = result
  if (values['json'] === true) process.stdout.write(`${JSON.stringify({ name, ...headline, ...rest })}\n`)
}
