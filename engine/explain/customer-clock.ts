/** Instants by the clock of the customer. */
import type { Model } from '../../rules/model.ts'
import type { Decision } from '../../sinks/decision.ts'
import { instantWords } from './value-words.ts'

/** The zone whose clock counts for the customer, as far as the record tells where they live; else the bank's. */
export function customerZone({ features }: Decision, model: Model | null): string {
  const known = (id: string | null | undefined): string | undefined => {
    const used = features.find(({ name }) => name === `profile.${id}`)
    if (used === undefined || used.lo !== used.hi) return undefined
    return model?.attributes.find((attribute) => attribute.id === id)?.values[used.lo]
  }
  const { zones } = model ?? {}
  const region = known(zones?.region?.attribute)
  const ofRegion = region === undefined ? undefined : zones?.region?.zones[region]
  return known(zones?.attribute) ?? ofRegion ?? model?.zone ?? 'UTC'
}

/**
 * An instant by a clock, with what it is ahead of UTC then, such as `2026-10-25 02:30:00 (Europe/Berlin, UTC+01:00)`: when clocks are
 * put back an hour comes twice.
 */
export function clockWords(at: number, zone: string): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(at)
  const offset = parts.find(({ type }) => type === 'timeZoneName')?.value.replace('GMT', 'UTC') ?? 'UTC'
  return `${instantWords(at, zone)} (${zone === 'UTC' ? 'UTC' : `${zone}, ${offset}`})`
}
