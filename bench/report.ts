/** What every benchmark gives back, and how it is printed. */
import { cpus, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'

/** Ratios are the claim (against something else in the same run); figures are information; units end the names. */
export type BenchResult = {
  readonly name: string
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

/** Prints a result for people, and as one JSON object on the last line with `--json`. */
export function printResult(result: BenchResult): void {
  const { values } = parseArgs({ options: { json: { type: 'boolean' } }, strict: false })
  const show = (value: number | string) =>
    typeof value === 'number' ? value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 3 : 1 }) : value
  process.stdout.write(`\n${result.name}\n`)
  for (const [kind, entries] of [
    ['ratios', result.ratios],
    ['figures', result.figures],
    ['machine', result.machine],
  ] as const) {
    process.stdout.write(`  ${kind}\n`)
    for (const [name, value] of Object.entries(entries)) process.stdout.write(`    ${name.padEnd(52)} ${show(value)}\n`)
  }
  if (values['json'] === true) process.stdout.write(`${JSON.stringify(result)}\n`)
}
