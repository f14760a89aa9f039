/** Calls of governance that were refused for want of a role: each is a record, but nobody fills the log with them. */
import type { Control } from './control-log.ts'
import type { Caller } from './roles.ts'

/** A caller's refusals of one call are kept once in so long, milliseconds. */
const onceInMs = 60_000
/** Most callers and calls that are remembered; beyond, the oldest is forgotten. */
const rememberedMax = 10_000

/** @param onLost told when a refusal could not be kept */
export function createRefusedCalls(
  control: Pick<Control, 'submit'>,
  now: () => number,
  onLost: (cause: unknown) => void,
): (caller: Caller, call: string) => void {
  const told = new Map<string, number>()
  return (caller, call) => {
    const name = `${caller.name} ${call}`
    const before = told.get(name)
    if (before !== undefined && now() - before < onceInMs) return
    told.delete(name)
    told.set(name, now())
    const [oldest] = told.keys()
    if (told.size > rememberedMax && oldest !== undefined) told.delete(oldest)
    control.submit(caller, '', { action: 'call_refused', call, code: 'role_missing' }).catch(onLost)
  }
}
