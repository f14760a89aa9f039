import { setTimeout as sleep } from 'node:timers/promises'
import { type BankOptions, FaultBank } from './fault-bank.ts'

const untilMs = 60_000
const shownMax = 10

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
  if (problems.length > 0) throw new Error(`${problems.length} problems:\n${problems.slice(0, shownMax).join('\n')}`)
}

/** Tries until it neither fails nor says no, for at most a minute. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + untilMs
  while (!(await holds().catch(() => false))) {
    if (Date.now() > deadline) throw new Error('it did not come to hold in time')
    await sleep(100)
  }
}
