/** The end of the demo in tables. */

import { titleOf } from '../../engine/explain/explain-decision.ts'
import type { Model } from '../../rules/model.ts'
import { decisionsSql, forbiddenSql, stopsSql } from './history-answers.ts'
import type { LatencyMs } from './latency.ts'
import { checksOf, type Findings } from './report.ts'
import type { Counts, QuietCounts } from './tally.ts'
import type { Paint } from './terminal.ts'
import { clip, column, milliseconds, whole, wrap } from './text-lines.ts'

/** The lines of the summary, none wider than `width`. */
export function summary(found: Findings, model: Model, width: number, paint: Paint): string[] {
  const heading = (text: string): string[] => ['', paint('bold', clip(text, width))]
  const tick = (holds: boolean): string => (holds ? paint('green', '✔') : paint('red', '✘'))
  const { tally, totals } = found
  const deadLettered = found.refusedAtTheDoor + totals.deadLettered
  const offerText = (id: string): string => titleOf(model, id, 'en')
  const guardrailText = (id: string): string => model.guardrails.find((known) => known.id === id)?.text.en ?? ''
  const contactRules = [...model.caps, ...model.gaps, ...model.pauses]
  const contactText = (id: string): string => contactRules.find((known) => known.id === id)?.text.en ?? ''
  const { offered, fallback, none } = tally.byOutcome
  const reasons = found.deadLetters.map(([reason, count]) => `${reason} ${count}`).join(', ')
  const many = 12
  return [
    ...heading('EVENTS'),
    ...wrap(
      `  ${whole(found.received)} received = ${whole(totals.accepted)} accepted + ${whole(totals.duplicates)} came twice + ${whole(deadLettered)} dead letters`,
      width,
      4,
    ),
    ...wrap(`  dead letters by reason: ${reasons === '' ? 'none' : reasons}`, width, 4),
    ...heading(`DECISIONS: ${whole(tally.decisions)}`),
    ...wrap(
      `  ${whole(offered)} with an offer, ${whole(fallback)} with the safe default of the placement, ${whole(none)} with nothing, on purpose; ${whole(found.requests.answered)} of them asked for by apps and desks`,
      width,
      2,
    ),
    ...heading('OFFERED'),
    ...table(tally.byOffer, { width, many, text: offerText }, paint),
    ...heading('STOPPED BY GUARDRAILS'),
    ...table(tally.byGuardrail, { width, many, text: guardrailText }, paint),
    ...heading('STOPPED BY CAPS, GAPS AND PAUSES'),
    ...table(tally.byCap, { width, many, text: contactText }, paint),
    ...heading('QUIET HOURS of the customers'),
    ...quietLines(tally.quiet, width),
    ...heading('TAKEN BACK BEFORE THEY WERE SENT'),
    ...table(tally.byRecall, { width, many, text: guardrailText }, paint),
    ...heading('LATENCY in milliseconds of wall time'),
    ...latencyLines(found, width, paint),
    ...heading('HISTORY'),
    ...historyLines(found, width, paint),
    ...heading('CHECKS'),
    ...checksOf(found).map(({ text, holds }) => `  ${tick(holds)} ${clip(text, width - 4)}`),
    ...heading('STORIES'),
    ...found.verdicts.flatMap(({ story, flaws }) => [
      `  ${tick(flaws.length === 0)} ${clip(story.title, width - 4)}`,
      ...wrap(story.outcome, width - 4).map((line) => paint('dim', `    ${line}`)),
      ...flaws.flatMap((flaw) => wrap(flaw, width - 4).map((line) => paint('red', `    ${line}`))),
    ]),
    '',
    verdict(found, paint),
  ]
}

function quietLines({ held, sent, notSent, switched, dropped }: QuietCounts, width: number): string[] {
  const waiting = held - sent - notSent
  const lines = [
    `  ${whole(held)} messages had to wait: ${whole(sent)} left when it was morning, ${whole(notSent)} did not any more when all was looked at again, ${whole(waiting)} wait when the day ends`,
    `  ${whole(switched)} went another way, ${whole(dropped)} were dropped for good`,
  ]
  return lines.flatMap((line) => wrap(line, width, 2))
}

/** The last line: whether all went well, and how long it took. */
function verdict(found: Findings, paint: Paint): string {
  const told = found.verdicts.filter(({ flaws }) => flaws.length === 0).length
  const checks = checksOf(found)
  const held = checks.filter((check) => check.holds).length
  const all = told === found.verdicts.length && held === checks.length
  const text = `${told} of ${found.verdicts.length} stories ended as told, ${held} of ${checks.length} checks hold; ${found.seconds.total} s.`
  return paint(['bold', all ? 'green' : 'red'], text)
}

type TableOptions = { readonly width: number; readonly many: number; readonly text: (id: string) => string }

function table(counts: Counts, { width, many, text }: TableOptions, paint: Paint): string[] {
  if (counts.length === 0) return [paint('dim', '  none')]
  const shown = counts.slice(0, many)
  const figures = Math.max(...shown.map(([, count]) => whole(count).length))
  const names = Math.min(Math.max(...shown.map(([name]) => name.length)), 34)
  const lines = shown.map(([name, count]) => {
    const rest = clip(text(name), width - figures - names - 6)
    return `  ${whole(count).padStart(figures)}  ${column(name, names)}  ${paint('dim', rest)}`
  })
  if (counts.length > many) lines.push(paint('dim', `  and ${counts.length - many} more`))
  return lines
}

function latencyLines({ latency }: Findings, width: number, paint: Paint): string[] {
  const row = (name: string, one: LatencyMs): string => {
    const figures = [one.p50, one.p99, one.p999, one.max].map((ms) => milliseconds(ms).padStart(9)).join('')
    return `  ${column(name, 10)}${figures}`
  }
  const what =
    'From the instant at which the plan of the day wanted it sent, so waiting in front of a slow engine counts: an event until its commit, with its decisions; a request until its answer.'
  return [
    paint('dim', `  ${' '.repeat(10)}${['p50', 'p99', 'p99.9', 'max'].map((name) => name.padStart(9)).join('')}`),
    row('events', latency.events),
    row('requests', latency.requests),
    row('together', latency.all),
    ...wrap(what, width - 2).map((line) => paint('dim', `  ${line}`)),
  ]
}

function historyLines({ history, tally }: Findings, width: number, paint: Paint): string[] {
  if (history.kind === 'absent') return wrap(`  ${history.why}`, width, 2)
  const asked = (sql: string): string[] => wrap(`> ${sql}`, width - 2, 2).map((line) => paint('cyan', `  ${line}`))
  const figures = Math.max(0, ...history.stops.map(([, count]) => whole(count).length))
  return [
    ...asked(decisionsSql),
    `    ${whole(history.decisions)} (the engine counted ${whole(tally.decisions)})`,
    ...asked(stopsSql),
    ...history.stops.map(
      ([rule, count]) => `    ${whole(count).padStart(figures)}  ${clip(rule, width - figures - 6)}`,
    ),
    ...asked(forbiddenSql),
    `    ${whole(history.forbidden)}`,
  ]
}
