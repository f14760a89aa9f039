/** The contact policy over the keys that contacts carry, worked out once for a pack. */
import { hash32 } from '../../../ingest/hash.ts'
import type { CompiledPack } from '../../../rules/compiled.ts'
import { type EffectiveWindow, windowOfRule } from '../../../rules/effective.ts'
import type {
  CapModel,
  ContactScope,
  GapModel,
  MessageClass,
  Model,
  PauseModel,
  QuietHoursModel,
  Scope,
} from '../../../rules/model.ts'
import { LocalClock } from '../../state/local-clock.ts'
import { type HoldingRules, holdingRules } from './contact-tally.ts'
import type { KeyScope } from './key-scope.ts'

/** A rule of one of the kinds: which candidates it stops, which contacts it looks at. */
export type ContactRule<RuleModel> = {
  readonly model: RuleModel
  readonly looksAt: KeyScope
  /** For each class code, whether candidates of the class are stopped. */
  readonly stops: readonly boolean[]
}

/** A cap, and when it is in effect; null: always. */
export type CapRule = ContactRule<CapModel> & { readonly window: EffectiveWindow | null }

/** Whose clock counts for a customer, from the frame. */
export type Clocks = {
  /** Frame indexes that `of` reads. */
  readonly reads: readonly number[]
  readonly of: (lo: Float64Array, hi: Float64Array) => LocalClock
}

export type ContactRules = {
  readonly caps: readonly CapRule[]
  readonly gaps: readonly ContactRule<GapModel>[]
  /** Which of those two hold a contact. */
  readonly holdingRules: HoldingRules
  readonly pauses: readonly ContactRule<PauseModel>[]
  readonly quietHours: readonly { readonly model: QuietHoursModel; readonly stops: readonly boolean[] }[]
  readonly clocks: Clocks
}

export function contactRules(pack: CompiledPack): ContactRules {
  const { model } = pack.loaded
  const caps = model.caps.map((cap) => ({
    model: cap,
    looksAt: keyScope(cap.applies),
    stops: stops(cap.applies),
    window: windowOfRule(cap.effective),
  }))
  const gaps = model.gaps.map((gap) => ({ model: gap, looksAt: keyScope(gap.after), stops: stops(gap.applies) }))
  return {
    caps,
    gaps,
    holdingRules: holdingRules(caps, gaps),
    pauses: model.pauses.map((pause) => ({
      model: pause,
      looksAt: keyScope(pause.applies),
      stops: stops(pause.applies),
    })),
    quietHours: model.quietHours.map((hours) => ({ model: hours, stops: stops(hours.applies) })),
    clocks: clocksOf(model),
  }
}

function keyScope({ categories, exceptCategories, channels, classes, offers }: ContactScope): KeyScope {
  const named = (name: MessageClass): boolean => classes === 'all' || classes.includes(name)
  return {
    categories: categories === 'all' ? null : new Set(categories.map(hash32)),
    exceptCategories: new Set(exceptCategories.map(hash32)),
    channels: channels === 'all' ? null : new Set(channels.map(hash32)),
    offers: offers === 'all' ? null : new Set(offers.map(hash32)),
    classes: [named('regulatory'), named('service'), named('marketing')],
  }
}

/** `marketing` is always stopped, `service` only by a rule that names it, `regulatory` never: what is owed is sent. */
function stops({ classes }: Scope): readonly boolean[] {
  const named = (name: MessageClass): boolean => classes !== 'all' && classes.includes(name)
  return [false, named('service'), classes === 'all' || named('marketing')]
}

/** The zone attribute, else the region's zone, else the zone of the pack. */
function clocksOf({ zones, zone, attributes }: Model): Clocks {
  const clocks = new Map<string, LocalClock>()
  const clock = (name: string): LocalClock => {
    const known = clocks.get(name) ?? new LocalClock(name)
    clocks.set(name, known)
    return known
  }
  const bank = clock(zone)
  const source = (id: string | undefined, zoneOf: (value: string) => string | undefined) => {
    const variable = attributes.findIndex((attribute) => attribute.id === id)
    const byCode = (attributes[variable]?.values ?? []).map((value) => {
      const name = zoneOf(value)
      return name === undefined ? null : clock(name)
    })
    return { variable, byCode }
  }
  const sources = [
    source(zones.attribute ?? undefined, (value) => value),
    source(zones.region?.attribute, (value) => zones.region?.zones[value]),
  ].filter(({ variable }) => variable >= 0)
  return {
    reads: sources.map(({ variable }) => variable),
    of: (lo, hi) => {
      for (const { variable, byCode } of sources) {
        const code = lo[variable]!
        const found = code === hi[variable] ? byCode[code] : null
        if (found != null) return found
      }
      return bank
    },
  }
}
