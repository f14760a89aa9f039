/** `/v1/what-ifs`: what a candidate version would have decided over the days behind us. */
import { z } from 'zod'
import type { LoadedLearned } from '../../rules/learned-table.ts'
import type { LoadedPack } from '../../rules/model.ts'
import type { SchemaPlace } from '../../sinks/codecs.ts'
import type { History } from '../../sinks/history/history.ts'
import type { Candidate } from '../whatif/messages.ts'
import type { WhatIfJob, WhatIfJobs } from '../whatif/what-if-jobs.ts'
import { parseJson } from './decisions.ts'
import { type HttpReply, type HttpRequest, json, later, problem, type Route } from './http.ts'
import { firstIssue, packBodyMaxBytes, packChoice } from './schemas.ts'

export type WhatIfParts = {
  readonly jobs: WhatIfJobs
  readonly history: Pick<History, 'address' | 'flush' | 'status'> | null
  readonly historyOff: string
  readonly schemas: SchemaPlace
  readonly packInForce: () => LoadedPack
  readonly packOf: (hash: string) => Promise<LoadedPack | null>
  readonly learned: () => LoadedLearned | null
  readonly salt: string
  readonly completeSince: number
  readonly partitions: number
  readonly bankBytes: number
  readonly now: () => number
  /** What a step costs lately, microseconds an input; null: nothing was measured. */
  readonly liveUs: () => number | null
}

export const whatIfBody = z.strictObject({
  ...packChoice,
  days: z.number().positive().max(3_650).describe('The window ends two seconds ago and is so many days long.'),
  warmupDays: z
    .number()
    .min(0)
    .max(3_650)
    .optional()
    .describe(
      'Days before the window that are counted for the states only; absent: as long as any window looks back, 90 at most.',
    ),
  confirmed: z.boolean().optional().describe('Needed for what takes longer than an hour.'),
})

/** The window ends so long before it is asked for, milliseconds: nothing of it is on its way any more then. */
const settledMs = 2_000
/** How long history is waited for to copy what was up to now, milliseconds. */
const flushMs = 10_000

const mayAsk = ['author', 'operator', 'approver', 'compliance'] as const

export function whatIfRoutes(parts: WhatIfParts): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/what-ifs',
      access: mayAsk,
      bodyMaxBytes: packBodyMaxBytes,
      handle: later((request) => start(parts, request)),
    },
    { method: 'GET', path: '/v1/what-ifs', access: mayAsk, handle: later(async (request) => status(parts, request)) },
    {
      method: 'POST',
      path: '/v1/what-ifs/stop',
      access: mayAsk,
      handle: later(async (request) => jobReply(parts.jobs.stop(), request)),
    },
  ]
}

async function start(parts: WhatIfParts, request: HttpRequest): Promise<HttpReply> {
  const checked = whatIfBody.safeParse(parseJson(request.body))
  if (!checked.success) return problem('body_invalid', firstIssue(checked.error))
  const { days, warmupDays, confirmed } = checked.data
  const candidate = await candidateOf(parts, checked.data)
  if (candidate === null)
    return problem('not_found', 'Give the files of a pack, or a version that is kept; `proffer pack list` shows them.')
  const { history, schemas, partitions } = parts
  if (history === null) return problem('history_off', parts.historyOff)
  // Answers that change nothing leave with a later commit.
  const asked = parts.now() - settledMs
  const isCopied = await history.flush(flushMs)
  const address = history.address()
  const { state, lagMs } = history.status()
  if (address === null || state !== 'running')
    return problem('history_off', 'History cannot be asked now: it starts, or does not answer. Ask again in a moment.')
  // A history that is behind ends the window where it is complete.
  const to = isCopied ? asked : asked - lagMs
  const job = parts.jobs.start(
    {
      past: { address, schemas, partitions },
      candidate,
      current: parts.packInForce(),
      learned: parts.learned(),
      salt: parts.salt,
      completeSince: parts.completeSince,
      to,
      days,
      warmupDays: warmupDays ?? null,
      bankBytes: parts.bankBytes,
      confirmed: confirmed === true,
      liveUs: parts.liveUs(),
    },
    request.caller.name,
  )
  if (job === null) return problem('already_running', 'Another what-if runs on this node. Wait for it, or stop it.')
  return jobReply(job, request)
}

function status({ jobs }: WhatIfParts, request: HttpRequest): HttpReply {
  return jobs.job === null
    ? problem('not_found', 'No what-if was asked for since the engine started.')
    : jobReply(jobs.job, request)
}

/** Who sees which customers are meant: those who may look at a customer anyway, and only when they ask. */
function jobReply(job: WhatIfJob | null, request: HttpRequest): HttpReply {
  if (job === null) return problem('not_found', 'No what-if was asked for since the engine started.')
  const { caller, query } = request
  const isAllowed = caller.isOwner || caller.roles.some((role) => role === 'operator' || role === 'compliance')
  if (job.report === null || (isAllowed && query.get('examples') === 'yes')) return json(200, job)
  const offers = job.report.offers.map(({ gainedExamples: _, lostExamples: __, ...line }) => line)
  return json(200, { ...job, report: { ...job.report, offers } })
}

async function candidateOf(
  { packInForce, packOf }: WhatIfParts,
  { files, version }: z.infer<typeof whatIfBody>,
): Promise<Candidate | null> {
  if (files !== undefined) return version === undefined ? { kind: 'files', files } : null
  if (version === undefined) return null
  const inForce = packInForce()
  const pack = version === inForce.hash ? inForce : await packOf(version)
  return pack === null ? null : { kind: 'loaded', pack }
}
