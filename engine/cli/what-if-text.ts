/** A what-if for people: what was compared, how far to believe it, who gains and who loses, and why. */
import type { Pair, WhatIfReport } from '../whatif/report.ts'
import { type Cell, instant, table } from './print.ts'

/** Most lines of a table; the rest is counted. */
const linesMax = 25

/** Fewer inputs cost less than the clock of a process can tell. */
const costInputsMin = 1_000

/** What every what-if takes for granted, in plain words. */
export const assumptions: readonly string[] = [
  'Both packs went through the same events and requests, as if each had been in force since counting began. What differs is the rules’.',
  'Messages that were really sent have their real receipts. Messages that only a simulation sends count as sent at once.',
  'What customers did with offers that were never made did not happen: no click, no acceptance, no complaint of theirs is made up.',
  'Stock is simulated from what was left when the window began; what nobody accepts comes back when its time is over.',
  'Rules and sources that were out of service then are so under both packs, as far as they have them.',
  'Customers who were erased since are in neither.',
]

/** The report as a page of text. */
export function whatIfText(report: WhatIfReport): string {
  const { belief, packs, candidates } = report
  const lines = [
    `What if ${packs.next.slice(0, 12)} had been in force instead of ${packs.current.slice(0, 12)}`,
    `${instant(report.from)} to ${instant(report.to)}, counted for the states since ${instant(report.warmedFrom)}`,
    `${number(report.events)} events and ${number(report.requests)} requests of ${number(report.customers)} customers`,
    ...(packs.current === packs.next ? ['Both are the same pack: it was stepped once, and is told as both.'] : []),
    '',
    beliefSentence(belief),
    ...report.holes.slice(0, linesMax).map(holeSentence),
    ...(report.holesMore > 0 ? [`and ${number(report.holesMore)} more holes.`] : []),
    ...(report.unknownPast.length === 0 ? [] : [unknownSentence(report)]),
    '',
    'Offers',
    cut(
      ['offer', 'made now', 'then', 'customers now', 'then', 'gained', 'lost'],
      report.offers.map((one) => [one.offer, ...sides(one.made), ...sides(one.customers), one.gained, one.lost]),
    ),
    ...report.offers.flatMap(({ offer, gainedExamples = [], lostExamples = [] }) => [
      ...(gainedExamples.length === 0 ? [] : [`  ${offer}, gained: ${gainedExamples.join(', ')}`]),
      ...(lostExamples.length === 0 ? [] : [`  ${offer}, lost: ${lostExamples.join(', ')}`]),
    ]),
    '',
    'Decisions',
    cut(
      ['placement', 'outcome', 'now', 'then'],
      report.outcomes.map((one) => [one.placement, one.outcome, ...sides(one.count)]),
    ),
    '',
    `Refused candidates, by stage and reason (of ${number(candidates.current)} now, ${number(candidates.next)} then)`,
    cut(
      ['stage', 'reason', 'rule', 'now', 'then'],
      report.refusals.map((one) => [one.stage, one.reason, one.rule, ...sides(one.count)]),
    ),
    '',
    'Pressure on contacts: share of all candidates that each rule stopped',
    cut(
      ['rule', 'reason', 'now', 'then'],
      report.refusals
        .filter(({ stage }) => stage === 'contact')
        .map(({ rule, reason, count }) => [
          rule,
          reason,
          share(count.current, candidates.current),
          share(count.next, candidates.next),
        ]),
    ),
    ...(report.stock.length === 0
      ? []
      : [
          '',
          'Stock at the end, and when an offer found too little first',
          cut(
            ['resource', 'left now', 'then', 'ran out now', 'then'],
            report.stock.map(({ resource, left, ranOutAt }) => [
              ...[resource, units(left.current), units(left.next)],
              ...[at(ranOutAt.current), at(ranOutAt.next)],
            ]),
          ),
        ]),
    '',
    costSentence(report),
    '',
    'Taken for granted:',
    ...assumptions.map((one) => `- ${one}`),
  ]
  return `${lines.join('\n')}\n`
}

function beliefSentence({ recorded, met, differed, missing, surplus }: WhatIfReport['belief']): string {
  if (recorded === 0)
    return 'No decision of these days was made under the pack in force, so that nothing says how far to believe this.'
  const rest = `${number(differed)} came out otherwise, ${number(missing)} not at all, ${number(surplus)} were never made`
  return `Of ${number(recorded)} decisions that were really made, the simulation of the pack in force meets ${share(met, recorded)} exactly (${rest}). That is how far to believe this.`
}

function holeSentence({ kind, partition, from, to, at }: WhatIfReport['holes'][number]): string {
  const place = `History has a hole in partition ${partition} at about ${instant(at)}`
  if (kind === 'events_missing')
    return `${place}: some of the events ${number(from)} to ${number(to - 1)} are missing. Counts go on without them.`
  const lost = from === to ? 'batches without events' : `the batches of events ${number(from)} to ${number(to - 1)}`
  return `${place}: ${lost} are missing. Counts go on without them.`
}

function unknownSentence({ unknownPast }: WhatIfReport): string {
  const names = unknownPast.map(({ feature, completeFrom }) =>
    completeFrom === null ? `${feature} (never)` : `${feature} (complete from ${instant(completeFrom)})`,
  )
  const told = names.slice(0, linesMax).join(', ')
  return `Their past is not long enough, so that these features were not fully known: ${told}${names.length > linesMax ? `, and ${names.length - linesMax} more` : ''}.`
}

function costSentence({ cost, speed, events, requests }: WhatIfReport): string {
  if (events + requests < costInputsMin)
    return `Cost of the step: not told of fewer than ${number(costInputsMin)} events and requests.`
  const live = cost.live === null ? '' : `, ${cost.live.toFixed(1)} us as this engine runs it live`
  return `Cost of the step: ${cost.current.toFixed(1)} us an input now, ${cost.next.toFixed(1)} us then${live}. Went through at ${number(Math.round(speed))} inputs a second.`
}

function cut(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return '  none'
  const rest = rows.length > linesMax ? `\nand ${rows.length - linesMax} more; --json has all` : ''
  return `${table(header, rows.slice(0, linesMax))}${rest}`
}

function sides({ current, next }: Pair): readonly [number, number] {
  return [current, next]
}

function share(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(2)} %`
}

function units(value: number | null): string {
  return value === null ? '-' : number(value)
}

function at(value: number | null): string {
  return value === null ? 'never' : instant(value)
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}
