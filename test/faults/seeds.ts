/** Seeds of a fault: `FAULT_SEEDS=5-40` runs those of every fault, else the first `count`. */
export function faultSeeds(count: number): readonly number[] {
  const [from = 1, to = count] = (process.env['FAULT_SEEDS'] ?? `1-${count}`).split('-').map(Number)
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}
