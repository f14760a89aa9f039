/** One scenario file, from its text to the scenarios of its cases. */
import type { PackProblem, PackProblemCode } from '../pack-problem.ts'
import { schemaProblems } from '../schema-problems.ts'
import { readYaml } from '../yaml-source.ts'
import { type Case, casesMax, casesOf, fillIn } from './for-each.ts'
import { inputsMax, type Telling, tellFact, tellStep } from './read-steps.ts'
import { oneOf, type PackNames, type Reading, refuse, refuseIssues } from './reading.ts'
import type { Scenario } from './scenario.ts'
import { forEachPart, scenarioHead } from './scenario-file.ts'
import { instantMs } from './times.ts'

const tableKey = 'for each'
const oneCase: readonly Case[] = [{ label: '', values: new Map() }]

/**
 * The scenarios of a file: one, or one for each case of its table. Empty when anything in it is wrong, which is told in
 * `problems`; all mistakes that can be seen are told together.
 */
export function readScenarios(
  text: string,
  file: string,
  names: PackNames,
): { readonly scenarios: readonly Scenario[]; readonly problems: readonly PackProblem[] } {
  const read = readYaml(text)
  if (read.kind === 'invalid') {
    const code = 'yaml_invalid'
    return { scenarios: [], problems: read.problems.map((problem) => ({ file, rule: file, code, ...problem })) }
  }
  const { source } = read
  const problems: PackProblem[] = []
  const whole: Reading = { names, file, source, problems }
  if (!isRecord(source.data)) {
    const message = 'A scenario has keys: name, start, steps. See the JSON Schema in rules/schema.'
    return { scenarios: [], problems: [{ file, line: 1, rule: file, code: 'value_invalid', message }] }
  }
  const { [tableKey]: table, ...data } = source.data
  const cases = tableCases(whole, table)
  const used = new Set<string>()
  const scenarios: Scenario[] = []
  let inputs = 0
  for (const one of cases) {
    const filled = table === undefined ? { data, used: [], problems: [] } : fillIn(data, one)
    for (const name of filled.used) used.add(name)
    const own: Reading = { ...whole, source: { ...source, data: filled.data } }
    for (const { path, ...what } of filled.problems) refuse(own, path, { rule: tableKey, ...what })
    if (filled.problems.length > 0) continue
    const told = tellScenario(own, one)
    if (told === null) continue
    inputs += told.inputs
    scenarios.push(told.scenario)
    if (inputs > inputsMax) {
      const message = `The file has more than ${inputsMax} events and requests, all cases together. Split it.`
      refuse(whole, ['steps'], { rule: 'steps', code: 'scenario_too_large', message })
      break
    }
  }
  refuseUnused(whole, table, used)
  return { scenarios: problems.length > 0 ? [] : scenarios, problems }
}

/** The cases of the table; one without a table; none when it is wrong. */
function tableCases(whole: Reading, table: unknown): readonly Case[] {
  if (table === undefined) return oneCase
  const parsed = forEachPart.safeParse(table)
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => ({ ...issue, path: [tableKey, ...issue.path] }))
    for (const problem of schemaProblems(whole.file, whole.source, issues)) whole.problems.push(problem)
    return []
  }
  const cases = casesOf(parsed.data)
  if (cases !== null) return cases
  const message = `The table has more than ${casesMax} combinations. Split the file.`
  refuse(whole, [tableKey], { rule: tableKey, code: 'scenario_too_large', message })
  return []
}

/** A name that stands nowhere makes cases that are all the same. */
function refuseUnused(whole: Reading, table: unknown, used: ReadonlySet<string>): void {
  if (!isRecord(table) || whole.problems.length > 0) return
  for (const name of Object.keys(table)) {
    if (used.has(name)) continue
    const message = `<${name}> stands nowhere, so that the cases do not differ by it. Use it or drop it.`
    refuse(whole, [tableKey, name], { rule: tableKey, code: 'reference_dead', message })
  }
}

function tellScenario(
  reading: Reading,
  { label }: Case,
): { readonly scenario: Scenario; readonly inputs: number } | null {
  const { file, source, problems } = reading
  const before = problems.length
  const parsed = scenarioHead.safeParse(source.data)
  if (!parsed.success) {
    refuseIssues(reading, [], parsed.error.issues, { rule: file, keys: [...Object.keys(scenarioHead.shape), tableKey] })
    return null
  }
  const { name, start, customer, gateway, stock, steps, 'complete since': complete } = parsed.data
  const startAt = instant(reading, 'start', start)
  const completeSince = complete === undefined ? 0 : instant(reading, 'complete since', complete)
  const telling: Telling = { reading, startAt, customerId: customer.id, now: startAt, inputs: 0, steps: [] }
  if (customer.profile !== undefined) tellFact(telling, ['customer', 'profile'], 'profile.updated', customer.profile)
  for (const channel of customer.consents) tellFact(telling, ['customer', 'consents'], 'consent.updated', { channel })
  for (const [position, step] of steps.entries()) tellStep(telling, position, step)
  const left = stockOf(reading, stock)
  const last = telling.steps.at(-1)
  if (problems.length === before && last?.expectations.length === 0) {
    const message = 'Nothing is expected of the last step, so that it proves nothing. End with an "expect".'
    const rule = `step ${last.number}`
    refuse(reading, ['steps', last.number - 1], { rule, code: 'expectation_misplaced', message })
  }
  if (problems.length > before) return null
  const scenario = {
    file,
    name: label === '' ? name : `${name} [${label}]`,
    startAt,
    completeSince,
    gateway,
    stock: left,
    steps: telling.steps,
  }
  return { scenario, inputs: telling.inputs }
}

/** Refuses a resource that the pack does not have. */
function stockOf(reading: Reading, given: Readonly<Record<string, number | 'unknown'>>): Scenario['stock'] {
  const { resources } = reading.names
  for (const id of Object.keys(given)) {
    if (resources.has(id)) continue
    const message = `There is no resource "${id}" in the pack: it must be ${oneOf(resources, id)}.`
    refuse(reading, ['stock', id], { rule: 'stock', code: 'resource_unknown', message })
  }
  return Object.fromEntries(Object.entries(given).map(([id, units]) => [id, units === 'unknown' ? null : units]))
}

function instant(reading: Reading, key: 'start' | 'complete since', text: string): number {
  const at = instantMs(text, reading.names.model.zone)
  if (at !== null && at >= 0) return at
  const code: PackProblemCode = 'value_invalid'
  refuse(reading, [key], { rule: key, code, message: `"${text}" is no time of the calendar since 1970.` })
  return 0
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
