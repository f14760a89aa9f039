/** Tells the stories of the bank as they happen, each moment with the decisions it led to. */
import { instantWords } from '../../engine/explain/value-words.ts'
import type { Applied, PartitionStatus, Position } from '../../engine/shard/shards.ts'
import type { Model } from '../../rules/model.ts'
import type { Decision } from '../../sinks/decision.ts'
import type { EventMoment, Moment, RawMoment, RequestMoment } from '../workload/moment.ts'
import type { Story } from '../workload/story.ts'
import { type DecisionLine, decisionLines } from './decision-words.ts'
import { eventWords, rawWords, requestWords } from './event-words.ts'
import type { Handed } from './submit-moments.ts'
import { isRelease } from './tally.ts'
import type { Paint, Style } from './terminal.ts'
import { wrap } from './text-lines.ts'

export type StoryTeller = {
  /** Whether a moment belongs to a story. */
  isTold(moment: Moment): boolean
  /** A moment of a story arrived; it is told once its decisions are published. */
  arrived(moment: EventMoment | RawMoment, handed: Handed, applied: Applied): void
  /** A request of a story was answered. */
  answered(moment: RequestMoment, decision: Decision): void
  /** A decision was published; those of customers without a story are passed over. */
  decided(decision: Decision): void
  /** What can be told now, given how far each partition has published; in the order in which it happened. */
  tell(partitions: readonly PartitionStatus[], width: number): readonly string[]
}

type Waiting = {
  /** null: nothing happened to the customer but that quiet hours ended; `answer` is what came of that. */
  readonly moment: Moment | null
  readonly position: Position | null
  readonly applied: Applied | null
  readonly answer: Decision | null
  /** Commit number that has to be published; null: the commit is not seen yet. */
  seq: number | null
}

const margin = 8
const marks: Readonly<Record<DecisionLine['kind'], { readonly mark: string; readonly style: Style }>> = {
  offered: { mark: '→ ', style: ['green', 'bold'] },
  recalled: { mark: '↩ ', style: ['magenta', 'bold'] },
  because: { mark: '  because ', style: 'green' },
  stopped: { mark: '✘ ', style: 'yellow' },
  waits: { mark: '… ', style: 'magenta' },
  silent: { mark: '  ', style: 'dim' },
}

/** Opens the teller. What it keeps is bounded by the stories. */
export function createStoryTeller(stories: readonly Story[], model: Model, paint: Paint): StoryTeller {
  const storyOf = new Map<Moment, Story>(
    stories.flatMap((story) => story.day.map((moment) => [moment, story] as const)),
  )
  const customers = new Set(stories.flatMap((story) => story.customers))
  const begun = new Set<string>()
  const decisions = new Map<string, Decision[]>()
  const releases = new Set<string>()
  const waiting: Waiting[] = []

  function tellOne(one: Waiting, width: number): readonly string[] {
    return one.moment === null ? tellRelease(one, width) : tellMoment({ ...one, moment: one.moment }, width)
  }

  function tellRelease({ answer }: Waiting, width: number): readonly string[] {
    if (answer === null) return []
    const text = `${clockWords(answer.now, model.zone)}  quiet hours of ${answer.customerId} are over: what waited is looked at again`
    const lines = wrap(text, width, margin).map((line) => paint('cyan', line))
    return ['', ...lines, ...tellDecision(answer, width)]
  }

  function tellMoment(
    { moment, applied, answer }: Waiting & { readonly moment: Moment },
    width: number,
  ): readonly string[] {
    const story = storyOf.get(moment)
    const lines: string[] = []
    const time = clockWords(moment.at, model.zone)
    if (story !== undefined && !begun.has(story.id)) {
      begun.add(story.id)
      lines.push('', ...wrap(`${time}  ${story.title}`, width, margin).map((line) => paint('bold', line)))
      for (const line of wrap(story.watch, width - margin)) lines.push(paint('dim', `${' '.repeat(margin)}${line}`))
    }
    const what = momentWords(moment, applied, model)
    const fate = applied === null || applied === 'accepted' ? '' : fateOf(applied)
    lines.push(
      ...wrap(`${time}  ${what}${fate}`, width, margin).map((line) => paint(fate === '' ? 'cyan' : 'magenta', line)),
    )
    const key = moment.kind === 'event' ? causeKey(moment.event.source, moment.event.id) : ''
    // A repeat of an event leads to nothing: its decisions were told the first time.
    const led = answer !== null ? [answer] : applied === 'accepted' ? (decisions.get(key) ?? []) : []
    for (const decision of led) lines.push(...tellDecision(decision, width))
    return lines
  }

  function tellDecision(decision: Decision, width: number): readonly string[] {
    return decisionLines(decision, model).flatMap(({ kind, text }) => {
      const { mark, style } = marks[kind]
      const [first = '', ...rest] = wrap(`${mark}${text}`, width - margin, mark.length)
      return [first, ...rest].map((line) => paint(style, `${' '.repeat(margin)}${line}`))
    })
  }

  return {
    isTold: (moment) => storyOf.has(moment),
    arrived: (moment, handed, applied) => {
      const position = handed.kind === 'appended' ? handed.position : null
      waiting.push({ moment, position, applied, answer: null, seq: null })
    },
    answered: (moment, decision) => {
      waiting.push({ moment, position: null, applied: null, answer: decision, seq: null })
    },
    decided: (decision) => {
      if (decision.cause.kind !== 'event' || !customers.has(decision.customerId)) return
      if (isRelease(decision)) {
        // A decision is published again after a crash; it is told once.
        if (!releases.has(decision.id))
          waiting.push({ moment: null, position: null, applied: null, answer: decision, seq: null })
        releases.add(decision.id)
        return
      }
      const key = causeKey(decision.cause.source, decision.cause.id)
      decisions.set(key, [...(decisions.get(key) ?? []), decision])
    },
    tell: (partitions, width) => {
      const lines: string[] = []
      for (const one of waiting) one.seq ??= commitOf(one, partitions)
      while (waiting[0] !== undefined && isPublished(waiting[0], partitions)) {
        lines.push(...tellOne(waiting[0], width))
        waiting.shift()
      }
      return lines
    },
  }
}

function causeKey(source: string, id: string): string {
  return `${source}\0${id}`
}

/** The commit at or behind that of the moment; null while it is not committed. */
function commitOf({ position }: Waiting, partitions: readonly PartitionStatus[]): number | null {
  if (position === null) return 0
  const status = partitions[position.partition]
  return status !== undefined && status.next > position.offset ? status.seq : null
}

function isPublished({ position, seq }: Waiting, partitions: readonly PartitionStatus[]): boolean {
  if (position === null) return true
  return seq !== null && (partitions[position.partition]?.published ?? 0) >= seq
}

function momentWords(moment: Moment, applied: Applied | null, model: Model): string {
  if (moment.kind === 'raw') return rawWords(moment)
  if (moment.kind === 'request') return `${moment.customerId} ${requestWords(moment, model)}`
  // A repeat is late because it is a repeat, not because of its sender's clock.
  const repeated = applied === 'duplicate' ? { ...moment, at: moment.event.time } : moment
  return `${moment.event.customerId} ${eventWords(repeated, model)}`
}

function fateOf(applied: Applied): string {
  if (applied === 'duplicate') return ' - came before, counts once'
  return ` - set aside as a dead letter: ${applied.replaceAll('_', ' ')}`
}

/** Time of day in the bank's zone, `08:15`. */
export function clockWords(atMs: number, zone: string): string {
  return instantWords(atMs, zone).slice(11, 16)
}
