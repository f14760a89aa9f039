/** `/v1/versions`: the versions of the pack, from the proposal to the roll-back. */
import { z } from 'zod'
import { whyText } from '../control/control-record.ts'
import { statusOf, type Version, versionOf, waitsFor } from '../control/control-state.ts'
import type { Done, PutInForce, Versions } from '../control/versions.ts'
import { activatesPacks, approvesPacks, readsPacks, rollsBack, writesPacks } from './access.ts'
import { parseJson } from './decisions.ts'
import { governed, notWorkedReply, refusedReply, unsoundReply } from './governance-replies.ts'
import { type HttpReply, type HttpRequest, json, problem, type Route } from './http.ts'
import { firstIssue, packBodyMaxBytes } from './schemas.ts'

export const whyBody = z.strictObject({
  why: whyText.describe('Why; it is kept for ever'),
})

export function versionRoutes(versions: Versions): readonly Route[] {
  const isAudited = true
  const of = (work: (number: number, request: HttpRequest) => Promise<HttpReply>) =>
    governed(async (request) => {
      const number = Number(request.params[0])
      if (!Number.isInteger(number) || number < 1)
        return problem('query_invalid', 'A version is a whole number from 1.')
      return work(number, request)
    })
  const said = (work: (number: number, why: string, request: HttpRequest) => Promise<HttpReply>) =>
    of(async (number, request) => {
      const why = whyOf(request)
      return typeof why === 'string' ? work(number, why, request) : why
    })
  return [
    {
      method: 'GET',
      path: '/v1/versions',
      access: readsPacks,
      isAudited,
      handle: governed(async () => listed(versions)),
    },
    {
      method: 'POST',
      path: '/v1/versions',
      access: writesPacks,
      isAudited,
      bodyMaxBytes: packBodyMaxBytes,
      handle: governed((request) => propose(versions, request)),
    },
    {
      method: 'GET',
      path: '/v1/versions/:number',
      access: readsPacks,
      isAudited,
      handle: of((number) => show(versions, number)),
    },
    {
      method: 'GET',
      path: '/v1/versions/:number/files',
      access: readsPacks,
      isAudited,
      handle: of((number) => files(versions, number)),
    },
    {
      method: 'GET',
      path: '/v1/versions/:number/diff',
      access: readsPacks,
      isAudited,
      handle: of((number, request) => diff(versions, number, request)),
    },
    {
      method: 'POST',
      path: '/v1/versions/:number/approve',
      access: approvesPacks,
      isAudited,
      handle: said(async (number, why, { caller }) => doneReply(versions, await versions.approve(caller, number, why))),
    },
    {
      method: 'POST',
      path: '/v1/versions/:number/reject',
      access: approvesPacks,
      isAudited,
      handle: said(async (number, why, { caller }) => doneReply(versions, await versions.reject(caller, number, why))),
    },
    {
      method: 'POST',
      path: '/v1/versions/:number/activate',
      access: activatesPacks,
      isAudited,
      handle: said(async (number, why, { caller }) =>
        inForceReply(versions, await versions.activate(caller, number, why)),
      ),
    },
    {
      method: 'POST',
      path: '/v1/versions/rollback',
      access: rollsBack,
      isAudited,
      handle: governed(async (request) => {
        const why = whyOf(request)
        return typeof why === 'string' ? inForceReply(versions, await versions.rollBack(request.caller, why)) : why
      }),
    },
  ]
}

function whyOf(request: HttpRequest): string | HttpReply {
  const body = whyBody.safeParse(parseJson(request.body))
  return body.success ? body.data.why : problem('body_invalid', `Send {"why": "..."}. ${firstIssue(body.error)}`)
}

async function propose(versions: Versions, request: HttpRequest): Promise<HttpReply> {
  const answer = await versions.propose(request.caller, request.body)
  switch (answer.kind) {
    case 'proposed': {
      const { version, changes, scenarios } = answer
      return json(200, { ...shown(versions, version), scenarios, changes })
    }
    case 'body_invalid':
      return problem('body_invalid', answer.message)
    case 'check_failed':
      return unsoundReply(answer.report)
    case 'test_failed':
      return problem('pack_refused', 'Its scenarios do not come out: `proffer test` prints what came.', {
        report: answer.report,
      })
    case 'refused':
      return refusedReply(answer)
    default:
      return notWorkedReply(answer)
  }
}

async function listed(versions: Versions): Promise<HttpReply> {
  return json(200, { versions: versions.state.versions.map((version) => shown(versions, version)).reverse() })
}

async function show(versions: Versions, number: number): Promise<HttpReply> {
  const version = versionOf(versions.state, number)
  return version === null ? unknown(number) : json(200, shown(versions, version))
}

async function files(versions: Versions, number: number): Promise<HttpReply> {
  const text = await versions.files(number)
  if (text !== null) return { status: 200, contentType: 'application/json', body: `{"files":${text}}` }
  return versionOf(versions.state, number) === null
    ? unknown(number)
    : problem('not_found', 'The sources of this version are not kept: it is from before the control log.')
}

async function diff(versions: Versions, number: number, request: HttpRequest): Promise<HttpReply> {
  const from = Number(request.query.get('from') ?? versions.state.inForce?.version)
  if (!Number.isInteger(from) || from < 1) return problem('query_invalid', 'from is the number of a version.')
  const worked = await versions.diff(from, number)
  if (worked.kind === 'worked') return json(200, { from, to: number, changes: worked.value })
  if (worked.kind !== 'unknown') return notWorkedReply(worked)
  return unknown(versionOf(versions.state, from) === null ? from : number)
}

function doneReply(versions: Versions, done: Done): HttpReply {
  if (done.kind === 'refused') return refusedReply(done)
  return done.kind === 'done' ? json(200, shown(versions, done.version)) : notWorkedReply(done)
}

function inForceReply(versions: Versions, put: PutInForce): HttpReply {
  if (put.kind === 'refused') return refusedReply(put)
  if (put.kind === 'store_failed')
    return problem('store_unavailable', 'Nothing was put in force. Try again in a moment.')
  const { result } = put
  switch (result.kind) {
    case 'activated': {
      const { packHash: hash, before, activation, shards, tookMs } = result
      return json(200, { ...shown(versions, put.version), hash, before, activation, shards, tookMs })
    }
    case 'refused': {
      const { code: reason, message, missing } = result
      return problem('activation_failed', `${message} The version before stays in force.`, { reason, missing })
    }
    case 'activation_incomplete':
      return problem('activation_incomplete', result.message, { missing: result.missing })
    default:
      return result satisfies never
  }
}

/** A version as it is shown. */
function shown(versions: Versions, version: Version): Readonly<Record<string, unknown>> {
  const {
    number,
    name,
    hash,
    files: sources,
    author,
    at,
    why,
    base,
    compliance,
    changed,
    approvals,
    rejected,
  } = version
  const by = (one: Version['approvals'][number]) => ({ who: one.who, at: new Date(one.at).toISOString(), why: one.why })
  const stands = statusOf(versions.state, version)
  return {
    version: number,
    status: stands,
    name,
    hash,
    sources,
    author,
    at: new Date(at).toISOString(),
    why,
    base: base === 0 ? null : base,
    needsCompliance: compliance.length > 0,
    compliance,
    changed,
    approvals: approvals.map(by),
    waitsFor: stands === 'proposed' ? waitsFor(versions.state, version) : [],
    activate: versions.outlook(version),
    rejected: rejected === null ? null : by(rejected),
  }
}

function unknown(number: number): HttpReply {
  return problem('not_found', `There is no version ${number}: \`proffer pack list\` shows them.`)
}
