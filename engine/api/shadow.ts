/** `/v1/shadow`: a candidate version that follows live traffic without effects. */
import { z } from 'zod'
import type { LoadedPack } from '../../rules/model.ts'
import type { PackFiles } from '../../rules/pack-texts.ts'
import type { History } from '../../sinks/history/history.ts'
import type { ShadowRunner } from '../shadow/shadow-runner.ts'
import type { Workshop } from '../workshop/workshop.ts'
import { parseJson } from './decisions.ts'
import { notWorkedReply, unsoundReply } from './governance-replies.ts'
import { type HttpReply, type HttpRequest, json, later, problem, type Route } from './http.ts'
import { firstIssue, packBodyMaxBytes, packChoice } from './schemas.ts'

export type ShadowRouteParts = {
  readonly shadow: ShadowRunner
  readonly history: Pick<History, 'query'> | null
  readonly historyOff: string
  readonly packOf: (hash: string) => Promise<LoadedPack | null>
  /** Where its files are checked. */
  readonly workshop: Pick<Workshop, 'check'>
}

export const shadowBody = z
  .strictObject(packChoice)
  .refine(({ files, version }) => (files === undefined) !== (version === undefined), 'give files or version')

const mayLook = ['author', 'operator', 'approver', 'compliance'] as const
const mayRun = ['operator', 'author'] as const

export function shadowRoutes(parts: ShadowRouteParts): readonly Route[] {
  const { shadow } = parts
  const status = () =>
    shadow.status === null
      ? problem('not_found', 'No shadow runs on this node. Begin one with `proffer shadow start`.')
      : json(200, shadow.status)
  return [
    {
      method: 'POST',
      path: '/v1/shadow',
      access: mayRun,
      bodyMaxBytes: packBodyMaxBytes,
      handle: later((request) => start(parts, request)),
    },
    { method: 'GET', path: '/v1/shadow', access: mayLook, handle: later(async () => status()) },
    { method: 'GET', path: '/v1/shadow/report', access: mayLook, handle: later(() => report(parts)) },
    {
      method: 'POST',
      path: '/v1/shadow/stop',
      access: mayRun,
      handle: later(async () => {
        shadow.stop()
        return status()
      }),
    },
  ]
}

async function start(parts: ShadowRouteParts, request: HttpRequest): Promise<HttpReply> {
  const body = shadowBody.safeParse(parseJson(request.body))
  if (!body.success) return problem('body_invalid', firstIssue(body.error))
  const { shadow } = parts
  if (parts.history === null) return problem('history_off', parts.historyOff)
  if (shadow.isRunning) return oneRuns()
  const candidate = await candidateOf(parts, body.data)
  if ('problem' in candidate) return candidate.problem
  const status = shadow.start(candidate, request.caller.name)
  return status === null ? oneRuns() : json(200, status)
}

function oneRuns(): HttpReply {
  return problem('already_running', 'A shadow runs on this node already. Stop it first.')
}

/** The candidate, or the answer that says what is wrong with it. Files are checked as a proposal's are; a kept version was. */
async function candidateOf(
  { packOf, workshop }: ShadowRouteParts,
  { files, version }: z.infer<typeof shadowBody>,
): Promise<{ readonly files?: PackFiles; readonly version: string } | { readonly problem: HttpReply }> {
  if (files === undefined) {
    if (version !== undefined && (await packOf(version)) !== null) return { version }
    return { problem: problem('not_found', 'No such version is kept; `proffer pack list` shows those that are.') }
  }
  const worked = await workshop.check({ kind: 'files', files })
  if (worked.kind !== 'worked') return { problem: notWorkedReply(worked) }
  if (worked.value.kind === 'body_invalid') return { problem: problem('body_invalid', worked.value.message) }
  const report = worked.value.result
  return report.kind === 'ok' ? { files, version: report.hash } : { problem: unsoundReply(report) }
}

async function report({ shadow, history, historyOff }: ShadowRouteParts): Promise<HttpReply> {
  if (history === null) return problem('history_off', historyOff)
  const { status } = shadow
  if (status === null)
    return problem('not_found', 'No shadow runs on this node, and none ran since the engine started.')
  const rowsOf = async (view: string, order: string): Promise<readonly unknown[] | null> => {
    const answer = await history.query(
      `SELECT * EXCEPT (run, version) FROM ${view} WHERE run = {run:String} ORDER BY ${order}`,
      'json',
      { run: status.run },
    )
    if (answer.kind !== 'ok') return null
    return answer.text.split('\n').flatMap((line): unknown[] => (line === '' ? [] : [JSON.parse(line)]))
  }
  const offers = await rowsOf('shadow_offers', 'day, offer')
  const refusals = await rowsOf('shadow_refusals', 'day, stage, reason, rule')
  if (offers === null || refusals === null) return problem('history_off', 'History does not answer now. Ask again.')
  return json(200, { ...status, offers, refusals })
}
