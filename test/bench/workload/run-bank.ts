/** Runs moments through the pure step with the sample pack, what falls due between them too, in one process, without shard, log or store. */
import assert from 'node:assert/strict'
import type { Moment } from '../../../bench/workload/moment.ts'
import { createStates } from '../../../engine/state/flat-states.ts'
import type { Slot } from '../../../engine/state/states.ts'
import { createStepContext } from '../../../engine/step/step-context.ts'
import { stepEvent } from '../../../engine/step/step-event.ts'
import { stepRequest } from '../../../engine/step/step-request.ts'
import { stepTimer } from '../../../engine/step/step-timer.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import { loadPack } from '../../../rules/load-pack.ts'
import type { Decision } from '../../../sinks/decision.ts'

export type RunResult = {
  readonly decisions: readonly Decision[]
  readonly setAside: ReadonlyMap<string, string>
  readonly duplicates: number
}

/** @param completeSinceMs since when the log is complete, Unix milliseconds */
export async function runMoments(moments: Iterable<Moment>, completeSinceMs: number): Promise<RunResult> {
  const loaded = await loadPack(new URL('../../../rules/packs/retail-bank', import.meta.url).pathname)
  assert(loaded.kind === 'ok', 'the sample pack loads')
  const pack = compilePack(loaded.pack)
  const observedSince = pack.layout.series.map(() => completeSinceMs)
  const states = createStates(pack.layout, { maxBytes: 64 * 1024 * 1024, observedSince })
  const context = createStepContext(pack, states, 'salt of the test')
  const slotOf = (customerId: string): Slot => {
    const found = states.find(customerId)
    return found >= 0 ? found : states.load(0, customerId, null)
  }
  const decisions: Decision[] = []
  const setAside = new Map<string, string>()
  const dues = new Map<string, number>()
  let duplicates = 0
  const takeDue = (until: number): void => {
    const due = [...dues].filter(([, at]) => at <= until).toSorted(([, a], [, b]) => a - b)
    for (const [customerId, now] of due) {
      states.begin(0)
      decisions.push(...stepTimer(context, slotOf(customerId), { customerId, now }))
      installed(customerId)
    }
  }
  const installed = (customerId: string): void => {
    const at = states.nextDue(slotOf(customerId))
    if (at > 0) dues.set(customerId, at)
    else dues.delete(customerId)
    states.writes(0)
    states.installed(0)
  }
  for (const moment of moments) {
    if (moment.kind === 'raw') continue
    takeDue(moment.at)
    states.begin(0)
    if (moment.kind === 'event') {
      const { event, at } = moment
      const outcome = stepEvent(context, slotOf(event.customerId), { event, acceptedAt: at, now: at })
      if (outcome.status === 'duplicate') duplicates++
      else if (outcome.status !== 'accepted') setAside.set(event.id, outcome.status)
      decisions.push(...outcome.decisions)
    } else
      decisions.push(stepRequest(context, slotOf(moment.customerId), { ...moment, now: moment.at, turn: '' }).decision)
    installed(moment.kind === 'event' ? moment.event.customerId : moment.customerId)
  }
  return { decisions, setAside, duplicates }
}
