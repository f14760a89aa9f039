/** The steps of a scenario: from what people write to inputs at instants, with what is expected of them. */
import type { Event } from '../../ingest/event.ts'
import { validateEvent } from '../../ingest/validate.ts'
import type { PackProblemCode } from '../pack-problem.ts'
import type { Path } from '../yaml-source.ts'
import { readEventData, ruleWords } from './event-data.ts'
import { readExpectation } from './read-expectation.ts'
import { didYouMean, oneOf, type Reading, refuse, refuseIssues } from './reading.ts'
import type { DecisionField, Expectation, ScenarioInput, ScenarioStep } from './scenario.ts'
import { eventStep, expectStep, requestStep, waitStep } from './scenario-file.ts'
import { instantMs, spanMs } from './times.ts'

/** Most events and requests of a file, all its cases together. */
export const inputsMax = 20_000

/** Where the telling of a scenario stands. */
export type Telling = {
  readonly reading: Reading
  readonly startAt: number
  readonly customerId: string
  /** The clock. */
  now: number
  /** Inputs told so far; their ids count them. */
  inputs: number
  readonly steps: ScenarioStep[]
}

const kinds = ['event', 'request', 'wait', 'expect'] as const

/** Tells one step of the file; `position` counts from 0. What is wrong with it is told instead. */
export function tellStep(telling: Telling, position: number, written: unknown): void {
  const { reading } = telling
  const path = ['steps', position]
  const rule = `step ${position + 1}`
  const keys = typeof written === 'object' && written !== null ? Object.keys(written) : []
  const named = kinds.filter((kind) => keys.includes(kind))
  const [kind] = named
  if (kind === undefined || named.length > 1) {
    const hint = keys.map((key) => didYouMean(key, kinds)).find((words) => words !== '') ?? ''
    const found = named.length === 0 ? 'This is none' : `This is ${named.join(' and ')}: write a step for each`
    const message = `A step is one of ${kinds.join(', ')}. ${found}.${hint}`
    refuse(reading, path, { rule, code: 'value_invalid', message })
    return
  }
  const at = { path, rule, number: position + 1 }
  switch (kind) {
    case 'event':
      tellEvents(telling, at, written)
      return
    case 'request':
      tellRequests(telling, at, written)
      return
    case 'wait':
      tellWait(telling, at, written)
      return
    case 'expect':
      tellExpectation(telling, at, written)
      return
    default:
      kind satisfies never
  }
}

/** Tells the event of a step that the file does not write out: what is known of the customer at the start. */
export function tellFact(telling: Telling, path: Path, type: string, data: Readonly<Record<string, unknown>>): void {
  const event = eventOf(
    telling,
    { path, dataPath: path, rule: 'customer' },
    { type, data, source: null, consent: null },
  )
  if (event === null) return
  addStep(telling, { path, number: 0, label: type }, (at, number) =>
    inputOf(event, at, { number, id: null, shiftMs: 0 }),
  )
}

type At = { readonly path: Path; readonly rule: string; readonly number: number }
type Repeats = {
  readonly after?: string | undefined
  readonly at?: string | undefined
  readonly times: number
  readonly every?: string | undefined
  readonly customer?: string | undefined
}

function tellEvents(telling: Telling, at: At, written: unknown): void {
  const parsed = eventStep.safeParse(written)
  if (!parsed.success) {
    refuseIssues(telling.reading, at.path, parsed.error.issues, { rule: at.rule, keys: Object.keys(eventStep.shape) })
    return
  }
  const { event: type, data, source = null, consent = null, id = null, late, ahead } = parsed.data
  const event = eventOf(telling, { ...at, dataPath: [...at.path, 'data'] }, { type, data, source, consent })
  if (late !== undefined && ahead !== undefined)
    refuseBoth(telling, at, 'ahead', 'An event is late or ahead of its time, not both.')
  if (id !== null && parsed.data.times > 1)
    refuseBoth(telling, at, 'times', 'An event with an id of its own is sent once. Write the step again to repeat it.')
  const shiftMs = (ahead === undefined ? 0 : (spanMs(ahead) ?? 0)) - (late === undefined ? 0 : (spanMs(late) ?? 0))
  if (!moveClock(telling, at, parsed.data) || event === null) return
  addStep(
    telling,
    { ...at, label: type },
    (instant, number, customerId) => inputOf({ ...event, customerId }, instant, { number, id, shiftMs }),
    parsed.data,
  )
}

function tellRequests(telling: Telling, at: At, written: unknown): void {
  const { reading } = telling
  const parsed = requestStep.safeParse(written)
  if (!parsed.success) {
    refuseIssues(reading, at.path, parsed.error.issues, { rule: at.rule, keys: Object.keys(requestStep.shape) })
    return
  }
  const { request: placement, count, personalised, id } = parsed.data
  const { inbound } = reading.names
  if (!inbound.has(placement)) {
    const message = `No app can ask for "${placement}": it must be ${oneOf(inbound, placement)}.`
    refuse(reading, [...at.path, 'request'], { rule: at.rule, code: 'placement_unknown', message })
  }
  if (!moveClock(telling, at, parsed.data)) return
  addStep(
    telling,
    { ...at, label: `request ${placement}` },
    (instant, number, customerId) => {
      const requestId = id ?? `request-${number}`
      return { kind: 'request', at: instant, customerId, requestId, placement, count, personalised }
    },
    parsed.data,
  )
}

function tellWait(telling: Telling, at: At, written: unknown): void {
  const parsed = waitStep.safeParse(written)
  if (!parsed.success) {
    refuseIssues(telling.reading, at.path, parsed.error.issues, { rule: at.rule, keys: Object.keys(waitStep.shape) })
    return
  }
  if (moveClock(telling, { ...at, key: 'wait' }, { after: parsed.data.wait }))
    addStep(telling, { ...at, label: `wait ${parsed.data.wait}` }, null)
}

function tellExpectation(telling: Telling, { path, rule, number }: At, written: unknown): void {
  const { reading, steps } = telling
  const parsed = expectStep.safeParse(written)
  if (!parsed.success) {
    refuseIssues(reading, path, parsed.error.issues, { rule, keys: Object.keys(expectStep.shape) })
    return
  }
  const found = readExpectation(reading, [...path, 'expect'], parsed.data.expect, rule)
  if (steps.length === 0) addStep(telling, { path, number, label: 'start' }, null)
  const last = steps.at(-1)
  if (found === null || last === undefined) return
  if (asksEvent(found) && !last.inputs.some((input) => input.kind === 'event')) {
    const message = 'Only an event is refused. Write this behind the event that is meant.'
    refuse(reading, [...path, 'expect', 'refused'], { rule, code: 'expectation_misplaced', message })
  }
  steps[steps.length - 1] = { ...last, expectations: [...last.expectations, found] }
}

function asksEvent({ checks }: Expectation): boolean {
  return checks.some((check) => check.kind === 'refused')
}

/** Moves the clock to where the step begins; false when it cannot, which is told. */
function moveClock(
  telling: Telling,
  { path, rule, key }: Pick<At, 'path' | 'rule'> & { readonly key?: string },
  { after, at }: Pick<Repeats, 'after' | 'at'>,
): boolean {
  const { reading, startAt } = telling
  if (after !== undefined && at !== undefined) {
    refuseBoth(telling, { path, rule }, 'at', 'A step comes after a time or at a time, not both.')
    return false
  }
  if (after !== undefined) {
    const ms = spanMs(after)
    if (ms !== null) telling.now += ms
    else
      refuse(reading, [...path, key ?? 'after'], {
        rule,
        code: 'time_backwards',
        message: `"${after}" is less than nothing.`,
      })
    return ms !== null
  }
  if (at === undefined) return true
  const where = { rule, code: 'time_backwards' } as const
  const span = spanMs(at)
  const instant = span === null ? instantMs(at, reading.names.model.zone) : startAt + span
  if (instant === null) {
    refuse(reading, [...path, 'at'], { rule, code: 'value_invalid', message: `"${at}" is no time of the calendar.` })
  } else if (instant < telling.now) {
    refuse(reading, [...path, 'at'], {
      ...where,
      message: `"${at}" is before the step above. Steps come in order of time.`,
    })
  } else {
    telling.now = instant
    return true
  }
  return false
}

/** Adds a step with its inputs, the first one now. */
function addStep(
  telling: Telling,
  { path, number, label }: Pick<At, 'path' | 'number'> & { readonly label: string },
  makeInput: ((at: number, number: number, customerId: string) => ScenarioInput) | null,
  { times, every, customer }: Pick<Repeats, 'times' | 'every' | 'customer'> = { times: 1 },
): void {
  const customerId = customer ?? telling.customerId
  const everyMs = every === undefined ? 0 : (spanMs(every) ?? 0)
  const inputs: ScenarioInput[] = []
  if (makeInput !== null) {
    for (let i = 0; i < times && telling.inputs < inputsMax + 1; i++) {
      if (i > 0) telling.now += everyMs
      inputs.push(makeInput(telling.now, ++telling.inputs, customerId))
    }
  }
  const line = telling.reading.source.lineOf(path)
  telling.steps.push({ number, line, label, customerId, inputs, until: telling.now, expectations: [] })
}

type Told = Omit<Event, 'id' | 'time'> & { readonly fromDecision: readonly DecisionField[] }

/** An event without its id and time, or null when it is wrong, which is told. */
function eventOf(
  { reading, customerId }: Telling,
  { path, dataPath, rule }: Pick<At, 'path' | 'rule'> & { readonly dataPath: Path },
  {
    type,
    data: given,
    source,
    consent,
  }: {
    readonly type: string
    readonly data: Readonly<Record<string, unknown>>
    readonly source: string | null
    readonly consent: string | null
  },
): Told | null {
  const { names, problems } = reading
  const { zone, currency } = names.model
  const def = names.types.get(type)
  const tell = (at: Path, code: PackProblemCode, message: string): null => {
    refuse(reading, at, { rule, code, message })
    return null
  }
  if (def === undefined) {
    return tell(
      [...path, 'event'],
      'event_unknown',
      `There is no event type "${type}": it must be ${oneOf(names.types.keys(), type)}.`,
    )
  }
  const before = problems.length
  const { data, fromDecision, problems: found } = readEventData(def, given, { zone, currency })
  for (const { field, code, message } of found) tell([...dataPath, field], code, message)
  if (problems.length > before) return null
  const event = {
    source: source ?? names.source,
    type,
    customerId,
    provenance: { via: 'http', consentId: consent },
    data,
  } as const
  const rejection = validateEvent({ ...event, id: 'e', time: 0 }, names.types)
  if (rejection === null) return { ...event, fromDecision }
  const { reason, field } = rejection
  const rules = def.rules.find((one) => one.name === field)
  if (rules === undefined)
    return tell(path, 'value_invalid', `The event is not sound: ${reason}${field === null ? '' : `, ${field}`}.`)
  const words = `"data.${rules.name}" is ${reason === 'field_missing' ? 'missing' : 'not right'}: it must be ${ruleWords(rules)}.${didYouMean(data[rules.name], rules.values ?? [])}`
  return tell([...dataPath, rules.name], reason === 'field_missing' ? 'key_missing' : 'value_invalid', words)
}

function inputOf(
  { fromDecision, ...event }: Told,
  at: number,
  { number, id, shiftMs }: { readonly number: number; readonly id: string | null; readonly shiftMs: number },
): ScenarioInput {
  return { kind: 'event', at, event: { ...event, id: id ?? `event-${number}`, time: at + shiftMs }, fromDecision }
}

function refuseBoth(
  { reading }: Telling,
  { path, rule }: Pick<At, 'path' | 'rule'>,
  key: string,
  message: string,
): void {
  refuse(reading, [...path, key], { rule, code: 'value_invalid', message })
}
