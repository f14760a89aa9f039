/** `/v1/keys`: who may call, and as what. Only the owner makes and revokes keys. */
import { z } from 'zod'
import type { Control } from '../control/control-log.ts'
import { callerName, whyText } from '../control/control-record.ts'
import { roles } from '../control/roles.ts'
import { digestOf, newKey } from './api-key.ts'
import { parseJson } from './decisions.ts'
import { governed, refusedReply } from './governance-replies.ts'
import { type HttpReply, type HttpRequest, json, problem, type Route } from './http.ts'
import { firstIssue } from './schemas.ts'

export const keyBody = z.strictObject({
  name: callerName.describe('Who it is: one name is one person or machine'),
  roles: z.array(z.enum(roles)).min(1).max(roles.length).describe('What it may do'),
  why: whyText.optional().describe('Why it is made'),
})
export const revokeBody = z.strictObject({ why: whyText.optional().describe('Why; it is kept for ever') })

export function keyRoutes(control: Control): readonly Route[] {
  const access = 'owner' as const
  return [
    { method: 'GET', path: '/v1/keys', access, isAudited: true, handle: (_, reply) => reply(listed(control)) },
    {
      method: 'POST',
      path: '/v1/keys',
      access,
      isAudited: true,
      handle: governed((request) => create(control, request)),
    },
    {
      method: 'POST',
      path: '/v1/keys/:name/revoke',
      access,
      isAudited: true,
      handle: governed((request) => revoke(control, request)),
    },
  ]
}

function listed({ state }: Control): HttpReply {
  const keys = [...state.keys.values()].map(({ name, roles: may, digest, at }) => ({
    name,
    roles: may,
    id: idOf(digest),
    at: new Date(at).toISOString(),
  }))
  return json(200, { keys })
}

async function create(control: Control, request: HttpRequest): Promise<HttpReply> {
  const body = keyBody.safeParse(parseJson(request.body))
  if (!body.success) return problem('body_invalid', firstIssue(body.error))
  const { name, roles: keyRoles, why: said } = body.data
  const key = newKey()
  const digest = digestOf(key)
  const distinct = roles.filter((role) => keyRoles.includes(role))
  const what = { action: 'key_created', name, keyRoles: distinct, digest } as const
  const verdict = await control.submit(request.caller, said ?? '', what)
  if (verdict.kind === 'refused') return refusedReply(verdict)
  return json(200, { name, roles: distinct, id: idOf(digest), key })
}

async function revoke(control: Control, request: HttpRequest): Promise<HttpReply> {
  const name = callerName.safeParse(request.params[0])
  if (!name.success) return problem('query_invalid', firstIssue(name.error))
  const body = revokeBody.safeParse(request.body.length === 0 ? {} : parseJson(request.body))
  if (!body.success) return problem('body_invalid', firstIssue(body.error))
  const what = { action: 'key_revoked', name: name.data } as const
  const verdict = await control.submit(request.caller, body.data.why ?? '', what)
  return verdict.kind === 'refused' ? refusedReply(verdict) : json(200, { name: name.data, revoked: true })
}

/** Enough of a digest to tell the keys of a name apart. */
function idOf(digest: string): string {
  return digest.slice(0, 12)
}
