/** `proffer dry-run CUSTOMER`: what a request or an event would lead to, with nothing touched. */
import { readFile } from 'node:fs/promises'
import type { DryRun } from '../dry-run/dry-run.ts'
import { type Client, isRecord, problemText } from './client.ts'
import { readPackArgument } from './pack-argument.ts'
import { table } from './print.ts'

export type DryRunOptions = {
  readonly customer: string
  readonly placement: string | undefined
  readonly count: number | undefined
  /** JSON of an event, or the file that holds it. */
  readonly event: string | undefined
  /** Folder or version; undefined: the pack in force. */
  readonly pack: string | undefined
  readonly language: 'en' | 'zh'
  /** Whether the text has every value of the customer; otherwise those that the decisions read. */
  readonly values: boolean
  readonly json: boolean
}

/** Asks and prints; returns the exit code: 1 when the engine says no, 2 when the call is wrong. */
export async function dryRun(client: Client, options: DryRunOptions): Promise<number> {
  const { customer: customerId, placement, count, language } = options
  const event = options.event === undefined ? undefined : await eventOf(options.event)
  if (event === null) {
    process.stderr.write('--event is JSON of an event, or a file that holds it: {"type", "source", "data"} at least.\n')
    return 2
  }
  const pack = options.pack === undefined ? {} : await readPackArgument(client, options.pack)
  if (pack === null) return 2
  const reply = await client.post('/v1/dry-runs', { customerId, placement, count, event, language, ...pack })
  if (reply.status !== 200 || !isDryRun(reply.body)) {
    process.stderr.write(`${problemText(reply)}\n`)
    return 1
  }
  process.stdout.write(
    options.json ? `${JSON.stringify(reply.body)}\n` : dryRunText(reply.body, options.values ? 'all' : 'read'),
  )
  return 0
}

function isDryRun(value: unknown): value is DryRun {
  return isRecord(value) && Array.isArray(value['decisions']) && isRecord(value['customer'])
}

async function eventOf(text: string): Promise<unknown> {
  try {
    return JSON.parse(text.trimStart().startsWith('{') ? text : await readFile(text, 'utf8'))
  } catch {
    return null
  }
}

/**
 * The answer as a page of text: words, each candidate with its terms, values of the customer.
 * @param values `read`: those that the decisions read; `all`: everything the pack knows
 */
export function dryRunText({ explanation, decisions, customer, notes }: DryRun, values: 'read' | 'all'): string {
  const lines = [...notes, '', ...explanation]
  for (const { placement, fates } of decisions) {
    const rows = fates.map((fate) => [
      fate.offer,
      fate.stage,
      [fate.reason, ...(fate.rule === null ? [] : [fate.rule])].join(' '),
      fate.score,
    ])
    lines.push('', `Candidates of ${placement}:`, table(['offer', 'stage', 'reason', 'score'], rows))
  }
  const read = new Set(decisions.flatMap(({ features }) => features.map(({ name }) => name)))
  const { variables } = customer
  const shown = values === 'all' ? variables : variables.filter(({ name }) => read.has(name))
  if (shown.length > 0) {
    const rows = shown.map(({ name, value, class: known, window }) => [name, value, known, window])
    const head = values === 'all' ? 'What is known of the customer:' : 'What was read of the customer:'
    lines.push('', head, table(['name', 'value', 'class', 'window'], rows))
  }
  if (shown.length < variables.length)
    lines.push(
      '',
      `${variables.length - shown.length} more values were not read; --values prints all ${variables.length}.`,
    )
  return `${lines.join('\n')}\n`
}
