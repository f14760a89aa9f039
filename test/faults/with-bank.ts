import { expect } from 'vitest'
import { type BankOptions, FaultBank } from './fault-bank.ts'

/** Opens a bank, does something with it, and ends all of it. What fails is told with the seed and what was done until then. */
export async function withBank(options: BankOptions, use: (bank: FaultBank) => Promise<void>): Promise<void> {
  const bank = await FaultBank.open(options)
  try {
    await use(bank)
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`seed ${bank.seed}: ${what}\n${bank.told.join('\n')}`, { cause })
  } finally {
    await bank.close()
  }
}

/** Everything comes through once it works again, and nothing is lost, doubled or forbidden. See `allProblems`. */
export async function mustHold(bank: FaultBank, options: { readonly forgets?: boolean } = {}): Promise<void> {
  const problems = await bank.problems(options)
  expect(problems.slice(0, 10)).toEqual([])
}
