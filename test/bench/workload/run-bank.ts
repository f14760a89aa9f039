/** Runs moments through the pure step with the sample pack, in one process, without shard, log or store. */
import assert from 'node:assert/strict'
import type { Moment } from '../../../bench/workload/moment.ts'
import { createStates } from '../../../engine/state/flat-states.ts'
import type { Slot } from '../../../engine/state/states.ts'
import { createStepContext } from '../../../engine/step/step-context.ts'
import { stepEvent } from '../../../engine/step/step-event.ts'
import { stepRequest } from '../../../engine/step/step-request.ts'
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
  let duplicates = 0
  for (const moment of moments) {
    if (moment.kind === 'raw') continue
    states.begin(0)
    if (moment.kind === 'event') {
      const { event, at } = moment
      const outcome = stepEvent(context, slotOf(event.customerId), { event, acceptedAt: at, now: at })
      if (outcome.status === 'duplicate') duplicates++
      else if (outcome.status !== 'accepted') setAside.set(event.id, outcome.status)
      decisions.push(...outcome.decisions)
    } else
      decisions.push(stepRequest(context, slotOf(moment.customerId), { ...moment, now: moment.at, turn: '' }).decision)
    states.writes(0)
    states.installed(0)
  }
  return { decisions, setAside, duplicates }
}
