/** `/v1/audit`: who did what to the installation, when and why. There is no call that alters it. */
import type { Audited } from '../control/chain.ts'
import type { Control } from '../control/control-log.ts'
import { audits } from './access.ts'
import { governed } from './governance-replies.ts'
import { type HttpReply, type HttpRequest, json, problem, type Route } from './http.ts'

const limitDefault = 100
const limitMax = 1_000

export function auditRoutes(control: Control): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/audit',
      access: audits,
      isAudited: true,
      handle: governed((request) => page(control, request)),
    },
    {
      method: 'GET',
      path: '/v1/audit/verify',
      access: audits,
      isAudited: true,
      handle: governed(() => verify(control)),
    },
  ]
}

async function page(control: Control, request: HttpRequest): Promise<HttpReply> {
  const limit = Number(request.query.get('limit') ?? limitDefault)
  if (!Number.isInteger(limit) || limit < 1 || limit > limitMax)
    return problem('query_invalid', `limit is a whole number from 1 to ${limitMax}.`)
  const before = Number(request.query.get('before') ?? Number.MAX_SAFE_INTEGER)
  if (!Number.isInteger(before) || before < 1) return problem('query_invalid', 'before is the number of a record.')
  await control.sync()
  const found = await control.audited(before, limit)
  const last = found.at(-1)?.record.number ?? 1
  return json(200, { records: found.map(auditEntry), next: last > 1 ? last : null, broken: control.broken })
}

async function verify(control: Control): Promise<HttpReply> {
  const { records, head, broken } = await control.verify()
  return json(200, {
    records,
    head,
    intact: broken === null && control.broken === null,
    broken: broken ?? control.broken,
  })
}

/** A record as it is shown: what belongs to the action beside who, when and why. */
export function auditEntry({ record, verdict, hash }: Audited): Readonly<Record<string, unknown>> {
  const { number, at, who, roles, isOwner, why, what } = record
  const { action, ...subject } = what
  return {
    number,
    at: new Date(at).toISOString(),
    who,
    roles: isOwner ? ['owner'] : roles,
    action,
    subject,
    why,
    outcome: verdict.kind,
    reason: verdict.kind === 'refused' ? verdict.code : null,
    hash,
  }
}
