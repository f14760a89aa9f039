/** Windows of effect: they are not empty, not over, and nothing that must always be there has one. */
import { type EffectiveModel, EffectiveWindow } from '../effective.ts'
import type { Model } from '../model.ts'
import type { PackFileName } from '../pack-files.ts'
import { isZone } from '../zones.ts'
import type { Checking, Spot } from './checking.ts'

type Windowed = { readonly id: string; readonly effective?: EffectiveModel | undefined }

/** Every kind of rule that may have a window, with where it is written. */
function sectionsOf(model: Model): readonly (readonly [PackFileName, string, readonly Windowed[]])[] {
  return [
    ['guardrails.yaml', 'guardrails', model.guardrails],
    ['guardrails.yaml', 'allows', model.allows],
    ['offers.yaml', 'offers', model.offers],
    ['triggers.yaml', 'triggers', model.triggers],
    ['contact.yaml', 'caps', model.caps],
  ]
}

/** @param nowMs what is over by then is a warning; null: nothing is said of that */
export function checkEffective(checking: Checking, nowMs: number | null): void {
  for (const [file, section, rules] of sectionsOf(checking.model)) {
    for (const [i, { id, effective }] of rules.entries()) {
      if (effective === undefined) continue
      checkWindow(checking, effective, nowMs, (...keys) => ({
        file,
        path: [section, i, 'effective', ...keys],
        rule: id,
      }))
    }
  }
  checkFallbacks(checking)
  checkLadders(checking)
}

function checkWindow(
  { refuse, warn }: Checking,
  effective: EffectiveModel,
  nowMs: number | null,
  spot: (...keys: string[]) => Spot,
): void {
  const { fromMs, untilMs, weekly, zone } = effective
  if (!isZone(zone)) {
    refuse('timezone_unknown', spot('zone'), `"${zone}" is no time zone. Use an IANA name such as Asia/Shanghai.`)
    return
  }
  if (fromMs === null && untilMs === null && weekly === null) {
    refuse('value_missing', spot(), 'The window says nothing: name from, until, on or between, or take it away.')
    return
  }
  if (weekly !== null && weekly.from === weekly.to) {
    const message = 'The hours end when they begin. Write two different times of day, or leave "between" out.'
    refuse('window_empty', spot('between'), message, { counterexample: clock(weekly.from) })
    return
  }
  const opens = new EffectiveWindow(effective).opensAt(fromMs ?? untilMs ?? 0)
  const first = fromMs === null ? Number.NEGATIVE_INFINITY : opens
  if (untilMs !== null && first >= untilMs) {
    const message = 'There is no instant at which the rule is in effect. Correct the days, or take the rule away.'
    const ends = `${new Date(fromMs ?? untilMs).toISOString()} to ${new Date(untilMs).toISOString()}`
    refuse('window_empty', spot(fromMs === null ? 'until' : 'from'), message, { counterexample: ends })
    return
  }
  if (untilMs === null || nowMs === null || nowMs < untilMs) return
  const message = 'The window is over, so the rule is as one that is not there. Set a new end, or take the rule away.'
  warn('window_over', spot('until'), message, { counterexample: new Date(untilMs).toISOString() })
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
}

function checkFallbacks({ model, refuse }: Checking): void {
  const fallbacks = new Set(model.placements.map(({ fallback }) => fallback))
  for (const [i, { id, effective }] of model.offers.entries()) {
    if (effective === undefined || !fallbacks.has(id)) continue
    const spot: Spot = { file: 'offers.yaml', path: ['offers', i, 'effective'], rule: id }
    const message =
      'The offer is a fallback, and a fallback is always there. Take "effective" away, or use another one.'
    refuse('fallback_blocked', spot, message, { counterexample: 'a request outside of its window' })
  }
}

/** A ladder leaves no value out at any time. */
function checkLadders({ model, refuse }: Checking): void {
  for (const [i, { id, offers, of }] of model.bands.entries()) {
    const windowed = model.offers.find((offer) => offer.effective !== undefined && offers.includes(offer.id))
    if (windowed === undefined) continue
    const spot: Spot = { file: 'offers.yaml', path: ['bands', i, 'offers'], rule: id }
    const message = `"${windowed.id}" is not always in effect, so its values of ${of} have no offer at other times.`
    refuse('band_gap', spot, `${message} Take its window away, or take it out of the ladder.`, {
      counterexample: `outside of the window of ${windowed.id}`,
    })
  }
}
