/** `proffer whatif`: what a candidate version would have decided, followed to its end. Ctrl-C stops it on the engine. */
import { setTimeout } from 'node:timers/promises'
import { someLines } from '../../rules/some-lines.ts'
import type { WhatIfJob } from '../whatif/what-if-jobs.ts'
import { type Client, isRecord, problemText } from './client.ts'
import { readPackArgument } from './pack-argument.ts'
import { aboutHowLong } from './print.ts'
import { whatIfText } from './what-if-text.ts'

export type WhatIfOptions = {
  readonly pack: string
  readonly days: number
  readonly warmupDays: number | undefined
  /** Also when it takes longer than an hour. */
  readonly yes: boolean
  /** Ids of some customers who gain and lose. */
  readonly examples: boolean
  readonly json: boolean
  readonly signal: AbortSignal
}

const lookEveryMs = 500

/** Begins it and follows it; exit code 1 when there is no report, 130 when it was stopped. */
export async function whatIf(client: Client, options: WhatIfOptions): Promise<number> {
  const { days, warmupDays, signal } = options
  const pack = await readPackArgument(client, options.pack)
  if (pack === null) return 2
  let reply = await client.post('/v1/what-ifs', { ...pack, days, warmupDays, confirmed: options.yes })
  const { stderr } = process
  const query = options.examples ? '?examples=yes' : ''
  let id: string | null = null
  for (;;) {
    if (reply.status !== 200 || !isJob(reply.body)) return refused(problemText(reply))
    const job = reply.body
    id ??= job.id
    if (stderr.isTTY) stderr.write(`\r\u001b[K${job.state === 'running' ? progressOf(job) : ''}`)
    if (job.id !== id) return refused(`It was stopped, and ${job.by} began another one.`)
    if (job.state !== 'running') return ended(job, options)
    await setTimeout(lookEveryMs, null, { signal }).catch(() => null)
    if (signal.aborted) {
      await client.post('/v1/what-ifs/stop', {})
      stderr.write(`${stderr.isTTY ? '\n' : ''}Stopped. Nothing of it is kept.\n`)
      return 130
    }
    reply = await client.get(`/v1/what-ifs${query}`)
  }
}

function ended({ report, refusal }: WhatIfJob, { pack, json: asJson }: WhatIfOptions): number {
  if (report === null) {
    if (asJson) process.stdout.write(`${JSON.stringify({ refusal })}\n`)
    const problems = (refusal?.problems ?? []).map(({ file, line, message }) => `  ${file}:${line} ${message}`)
    return refused(
      [refusal?.message ?? 'It was stopped.', ...someLines(problems, `proffer check ${pack} --all`)].join('\n'),
    )
  }
  process.stdout.write(asJson ? `${JSON.stringify(report)}\n` : whatIfText(report))
  return 0
}

function progressOf({ progress }: WhatIfJob): string {
  if (progress === null) return 'reading history'
  const { inputs, of, leftMs } = progress
  const left = leftMs === null ? '' : `, about ${aboutHowLong(leftMs)} left`
  return `${inputs.toLocaleString('en-US')} of about ${of.toLocaleString('en-US')} inputs${left}`
}

function isJob(value: unknown): value is WhatIfJob {
  return isRecord(value) && typeof value['id'] === 'string' && typeof value['state'] === 'string' && 'report' in value
}

function refused(text: string): number {
  process.stderr.write(`${text}\n`)
  return 1
}
