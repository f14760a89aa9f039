/** `/v1/sources`: where data comes from, and how a source is revoked at once. */
import { z } from 'zod'
import type { SourceModel } from '../../rules/model.ts'
import type { Control } from '../control/control-log.ts'
import { whyText } from '../control/control-record.ts'
import { revokedMax } from '../shard/source-board.ts'
import { readsPacks, restoresSources, revokesSources } from './access.ts'
import { parseJson } from './decisions.ts'
import { governed, refusedReply } from './governance-replies.ts'
import type { HttpReply, HttpRequest, Route } from './http.ts'
import { json, problem } from './http.ts'
import { firstIssue } from './schemas.ts'

export type SourceRouteParts = {
  readonly control: Pick<Control, 'state' | 'submit'>
  /** The sources of the pack in force. */
  readonly sources: () => readonly SourceModel[]
  /** Ends when every shard of this node goes by what is revoked now. @throws Error after some seconds */
  readonly told: () => Promise<void>
  /** Has all other nodes do the same. Returns who did not say so in time. */
  readonly heedElsewhere: () => Promise<readonly string[]>
}

/** Why a source is revoked or restored. */
export const sourceBody = z.strictObject({ why: whyText })

export function sourceRoutes(parts: SourceRouteParts): readonly Route[] {
  const change = (action: 'source_revoked' | 'source_restored') =>
    governed((request) => changed(parts, request, action))
  return [
    {
      method: 'GET',
      path: '/v1/sources',
      access: readsPacks,
      isAudited: true,
      handle: (_, reply) => reply(json(200, shown(parts))),
    },
    {
      method: 'POST',
      path: '/v1/sources/:id/revoke',
      access: revokesSources,
      isAudited: true,
      handle: change('source_revoked'),
    },
    {
      method: 'POST',
      path: '/v1/sources/:id/restore',
      access: restoresSources,
      isAudited: true,
      handle: change('source_restored'),
    },
  ]
}

async function changed(
  parts: SourceRouteParts,
  request: HttpRequest,
  action: 'source_revoked' | 'source_restored',
): Promise<HttpReply> {
  const parsed = sourceBody.safeParse(parseJson(request.body))
  if (!parsed.success) return problem('body_invalid', firstIssue(parsed.error))
  const source = request.params[0] ?? ''
  const isKnown = parts.sources().some(({ id }) => id === source) || parts.control.state.revokedSources.has(source)
  if (!isKnown) return problem('not_found', 'The pack in force has no such source: `proffer sources` lists them.')
  if (action === 'source_revoked' && parts.control.state.revokedSources.size >= revokedMax)
    return problem(
      'governance_refused',
      `At most ${revokedMax} sources may be revoked at a time: take them out of the pack.`,
    )
  const verdict = await parts.control.submit(request.caller, parsed.data.why, { action, source })
  if (verdict.kind === 'refused') return refusedReply(verdict)
  await parts.told()
  // What a node does not hear of yet stays closed there: only closing has to reach all of them.
  const missing = action === 'source_revoked' ? await parts.heedElsewhere() : []
  if (missing.length > 0)
    return problem(
      'revocation_incomplete',
      `It is revoked here and recorded, and ${missing.join(', ')} did not confirm: each goes by it a second after it reads the log again.`,
      { missing },
    )
  return json(200, shown(parts))
}

function shown({ control, sources }: SourceRouteParts): unknown {
  const { revokedSources } = control.state
  const rows = sources().map(({ id, lawfulBasis, purposes, authorisation }) => ({
    id,
    lawfulBasis,
    purposes,
    until: authorisation?.untilMs ?? null,
    revoked: revokedSources.get(id) ?? null,
  }))
  const known = new Set(rows.map(({ id }) => id))
  const others = [...revokedSources].filter(([id]) => !known.has(id))
  return { sources: rows, revokedElse: others.map(([id, revoked]) => ({ id, revoked })) }
}
