/**
 * What a route sees of HTTP: plain values, so that the server underneath can be replaced in one file.
 */
import { SchemaRegistryError } from '../../ingest/registry/schema-registry.ts'
import type { Caller, Role } from '../control/roles.ts'

/** A request whose body has arrived in full. */
export type HttpRequest = {
  /** Values of the `:name` parts of the path, in order, decoded. */
  readonly params: readonly string[]
  /** Query parameters by name (the first one when repeated). */
  readonly query: ReadonlyMap<string, string>
  /** Content type without parameters, lower case; empty when absent. */
  readonly contentType: string
  readonly acceptLanguage: string
  readonly body: Uint8Array
  /** Who calls; of a call that needs no key, or the key of the nodes, nobody: no name and no roles. */
  readonly caller: Caller
}

export type HttpReply = {
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly headers?: readonly (readonly [string, string])[]
}

/**
 * Who may call: keys with one of these roles; `owner` the key of the first start alone; `open` needs no key; `node` the key of the
 * nodes among themselves. The owner has all roles.
 */
export type Access = 'open' | 'node' | 'owner' | readonly Role[]

/**
 * A route. The handler calls `reply` exactly once, now or later; it must not throw (a thrown error is a bug and answered 500
 * without its text).
 */
export type Route = {
  readonly method: 'GET' | 'POST'
  /** Such as `/v1/customers/:id`. */
  readonly path: string
  readonly access: Access
  /** Whether a call that is refused for want of a role is kept in the audit. */
  readonly isAudited?: boolean
  /** Largest body, when another than that of the server. */
  readonly bodyMaxBytes?: number
  readonly handle: (request: HttpRequest, reply: (reply: HttpReply) => void) => void
}

const jsonType = 'application/json'

/** A JSON answer. */
export function json(status: number, value: unknown, headers?: readonly (readonly [string, string])[]): HttpReply {
  return { status, contentType: jsonType, body: JSON.stringify(value), ...(headers ? { headers } : {}) }
}

/** Wraps a handler that works asynchronously. */
export function later(work: (request: HttpRequest) => Promise<HttpReply>): Route['handle'] {
  return (request, reply) => {
    work(request).then(reply, (cause: unknown) => reply(failed(cause)))
  }
}

let report: (cause: unknown) => void = () => undefined

/** Where unexpected errors of handlers go (the log); set once by the composition. */
export function onUnexpected(listener: (cause: unknown) => void): void {
  report = listener
}

/** The answer to what a handler did not foresee: a registry that is away, else a bug, whose details go to the log. */
export function failed(cause: unknown): HttpReply {
  if (cause instanceof SchemaRegistryError) return problem('schemas_unavailable', `${cause.message}. Try again later.`)
  report(cause)
  return problem('internal_error', 'Something went wrong inside proffer. The log has the details.')
}

/** Every error code of the API with its status and title (RFC 9457 problem types). One closed list. */
export const problems = {
  body_invalid: { status: 400, title: 'The body is not what this call takes' },
  query_invalid: { status: 400, title: 'A query parameter is not what this call takes' },
  key_missing: { status: 401, title: 'An API key is needed' },
  key_wrong: { status: 401, title: 'The API key is not known' },
  key_revoked: { status: 401, title: 'The API key was revoked' },
  role_missing: { status: 403, title: 'The key has no role that may do this' },
  not_found: { status: 404, title: 'There is nothing here' },
  path_unknown: { status: 404, title: 'There is no such path' },
  customer_unknown: { status: 404, title: 'The alias is linked to no customer' },
  customer_erased: { status: 410, title: 'The customer was erased' },
  decision_unknown: { status: 404, title: 'The decision is not in the history (yet)' },
  method_wrong: { status: 405, title: 'This path takes another method' },
  body_too_large: { status: 413, title: 'The body is too large' },
  too_many_events: { status: 413, title: 'Too many events in one call' },
  content_type_wrong: { status: 415, title: 'The content type is not supported' },
  event_rejected: { status: 422, title: 'The event was refused and kept as a dead letter' },
  pack_refused: { status: 422, title: 'The rule pack is refused' },
  governance_refused: { status: 409, title: 'The rules of governance do not allow it' },
  placement_unknown: { status: 422, title: 'The placement is not in the rule pack' },
  query_refused: { status: 422, title: 'The query was refused' },
  internal_error: { status: 500, title: 'Internal error' },
  activation_failed: { status: 503, title: 'The version was not put in force' },
  activation_incomplete: { status: 503, title: 'Not every shard has confirmed the version yet' },
  revocation_incomplete: { status: 503, title: 'Not every node has confirmed the revocation yet' },
  control_broken: { status: 503, title: 'The control log is broken: nothing may be changed' },
  log_full: { status: 503, title: 'The log takes no more events' },
  log_unavailable: { status: 503, title: 'The log cannot be written at present' },
  store_unavailable: { status: 503, title: 'The store does not answer at present' },
  schemas_unavailable: { status: 503, title: 'The schema registry does not answer at present' },
  identity_full: { status: 503, title: 'No more aliases can be linked' },
  identity_unavailable: { status: 503, title: 'Aliases cannot be resolved at present' },
  not_owner: { status: 421, title: 'The partition is on another node' },
  partition_closed: { status: 503, title: 'The customer’s partition is closed' },
  partition_busy: { status: 503, title: 'The customer’s partition is asked too much at once' },
  partition_unavailable: { status: 503, title: 'The customer’s partition does not answer at present' },
  already_running: { status: 409, title: 'One of these runs already' },
  busy: { status: 503, title: 'Too many requests in progress' },
  stopping: { status: 503, title: 'The engine is stopping' },
  history_off: { status: 503, title: 'History is off or not reachable' },
} as const
export type ProblemCode = keyof typeof problems

/** The answer to a key that may not do this: it names the roles that may. */
export function roleProblem(needed: readonly Role[], more = ''): HttpReply {
  const who =
    needed.length === 0 ? 'Only the owner (the key of the first start) may.' : `It takes ${needed.join(' or ')}.`
  return problem('role_missing', more === '' ? who : `${who} ${more}`, { roles: needed })
}

/** The member of an answer to a wrong body that says where its schema is. */
const whereSchemasAre = { schemas: '/openapi.json' } as const

/**
 * An error answer as application/problem+json. `detail` says what to do and never repeats a value of the request; it is to be understood also
 * by who typed a command, which shows it. What only a caller of the API can use goes into members of its own.
 * @param extra further members, such as `reason` and `field`
 */
export function problem(code: ProblemCode, detail: string, extra: Readonly<Record<string, unknown>> = {}): HttpReply {
  const { status, title } = problems[code]
  const retry = status === 503 || code === 'decision_unknown'
  return {
    status,
    contentType: 'application/problem+json',
    body: JSON.stringify({
      type: `urn:proffer:problem:${code}`,
      title,
      status,
      detail,
      code,
      ...(code === 'body_invalid' ? whereSchemasAre : {}),
      ...extra,
    }),
    headers: [
      ...(retry ? ([['Retry-After', '1']] as const) : []),
      ...(status === 401 ? ([['WWW-Authenticate', 'Bearer realm="proffer"']] as const) : []),
    ],
  }
}
