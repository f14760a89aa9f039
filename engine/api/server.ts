/**
 * HTTP on uWebSockets.js; no other file imports it. Collects bodies up to the limit, checks the key, answers each request
 * once, never touches a response whose caller has gone.
 */

import type { HttpRequest as UwsRequest, HttpResponse as UwsResponse } from 'uWebSockets.js'
import { App, us_listen_socket_close, us_socket_local_port } from 'uWebSockets.js'
import { STATUS_CODES } from 'node:http'
import type { Caller, Role } from '../control/roles.ts'
import type { KeyCheck } from './api-key.ts'
import type { Access, HttpReply, HttpRequest, Route } from './http.ts'
import { failed, problem, roleProblem } from './http.ts'

export type ServerOptions = {
  readonly host: string
  readonly port: number
  readonly routes: readonly Route[]
  readonly keyCheck: KeyCheck
  /** The check of the nodes' own key. */
  readonly nodeKeyCheck: KeyCheck
  /** Origins that browsers may call from; none: no CORS header is ever sent. */
  readonly corsOrigins: readonly string[]
  readonly bodyMaxBytes: number
  /** Most requests in progress; more are answered 503. */
  readonly inFlightMax: number
  /** Told of a caller whose roles do not do for a route. */
  readonly onRefused: (route: Route, caller: Caller, needed: readonly Role[]) => void
  /** Called with route path, status and seconds for each answered request. */
  readonly observe: (path: string, status: number, seconds: number) => void
}

export type Server = {
  readonly port: number
  /** Refuses new connections, answers what is in progress until the deadline, then closes. */
  stop(deadlineMs: number): Promise<void>
}

/** Thrown when the port cannot be bound; `code` is `listen_failed`. */
export class ListenError extends Error {
  readonly code = 'listen_failed'
}

/** State of one response: uWS forbids touching it after an abort. */
type Exchange = { ended: boolean; readonly startedAt: number }

const statusLines = new Map<number, string>()
function statusLine(status: number): string {
  let line = statusLines.get(status)
  if (line === undefined) {
    line = `${status} ${STATUS_CODES[status] ?? 'Unknown'}`
    statusLines.set(status, line)
  }
  return line
}

/**
 * Starts listening.
 * @throws ListenError when the address is taken or not allowed
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const app = App()
  let inFlight = 0
  let stopping = false
  const origins = new Set(options.corsOrigins)

  const finish = (res: UwsResponse, exchange: Exchange, route: string, origin: string, reply: HttpReply): void => {
    inFlight -= exchange.ended ? 0 : 1
    if (exchange.ended) return
    exchange.ended = true
    res.cork(() => {
      res.writeStatus(statusLine(reply.status)).writeHeader('Content-Type', reply.contentType)
      if (reply.headers !== undefined) for (const [name, value] of reply.headers) res.writeHeader(name, value)
      if (origin !== '' && origins.has(origin))
        res.writeHeader('Access-Control-Allow-Origin', origin).writeHeader('Vary', 'Origin')
      res.end(reply.body)
    })
    options.observe(route, reply.status, (performance.now() - exchange.startedAt) / 1_000)
  }

  const serve = (route: Route, names: number) => (res: UwsResponse, req: UwsRequest) => {
    const exchange: Exchange = { ended: false, startedAt: performance.now() }
    inFlight += 1
    res.onAborted(() => {
      if (!exchange.ended) inFlight -= 1
      exchange.ended = true
    })
    const origin = origins.size === 0 ? '' : req.getHeader('origin')
    const end = (reply: HttpReply) => finish(res, exchange, route.path, origin, reply)
    let caller = nobody
    if (route.access !== 'open') {
      const check = route.access === 'node' ? options.nodeKeyCheck : options.keyCheck
      const verdict = check(req.getHeader('authorization'))
      if (verdict === 'missing' || verdict === 'wrong') return end(keyProblem(verdict))
      caller = verdict
      const needed = rolesMissing(route.access, caller)
      if (needed !== null) {
        options.onRefused(route, caller, needed)
        return end(roleProblem(needed))
      }
    }
    if (stopping) return end(problem('stopping', 'Retry on another node or in a moment.'))
    if (inFlight > options.inFlightMax)
      return end(problem('busy', 'Retry in a moment; raise IN_FLIGHT_MAX if this lasts.'))
    const params: string[] = []
    for (let i = 0; i < names; i++) params.push(decode(req.getParameter(i) ?? ''))
    const head = {
      params,
      query: parseQuery(req.getQuery() ?? ''),
      contentType: (req.getHeader('content-type').split(';', 1)[0] ?? '').trim().toLowerCase(),
      acceptLanguage: req.getHeader('accept-language'),
    }
    const run = (body: Uint8Array) => {
      const request: HttpRequest = { ...head, body, caller }
      try {
        route.handle(request, end)
      } catch (cause) {
        end(failed(cause))
      }
    }
    if (route.method === 'GET') return run(new Uint8Array(0))
    const bodyMaxBytes = route.bodyMaxBytes ?? options.bodyMaxBytes
    readBody(res, bodyMaxBytes, run, () => {
      end(problem('body_too_large', `Send at most ${bodyMaxBytes} bytes in one body.`))
    })
  }

  for (const route of options.routes) {
    const names = route.path.split('/').filter((part) => part.startsWith(':')).length
    if (route.method === 'GET') app.get(route.path, serve(route, names))
    else app.post(route.path, serve(route, names))
  }
  addCatchAll(app, options.routes, origins)

  const socket = await new Promise<ReturnType<typeof listening>>((resolve) => {
    // The typings know listen options only without a host; the function itself takes both.
    const listened = (listen: ListenSocket | false) => resolve(listening(listen))
    Reflect.apply(app.listen, app, [options.host, options.port, exclusivePort, listened])
  })
  if (socket === null)
    throw new ListenError(`cannot listen on ${options.host}:${options.port}: the port is taken or not allowed`)
  return {
    port: us_socket_local_port(socket),
    stop: async (deadlineMs) => {
      stopping = true
      us_listen_socket_close(socket)
      const until = performance.now() + deadlineMs
      while (inFlight > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10))
      app.close()
    },
  }
}

/** LIBUS_LISTEN_EXCLUSIVE_PORT: else the system lets two engines share a port and deals each caller to one of them. */
const exclusivePort = 1

type ListenSocket = Parameters<typeof us_listen_socket_close>[0]
function listening(socket: ListenSocket | false): ListenSocket | null {
  return socket === false ? null : socket
}

const nobody: Caller = { name: '', roles: [], isOwner: false }

/** The roles that would do for a route, or null when the caller's do. */
export function rolesMissing(access: Access, caller: Caller): readonly Role[] | null {
  if (access === 'open' || access === 'node') return null
  if (access === 'owner') return caller.isOwner ? null : []
  return access.some((role) => caller.roles.includes(role)) ? null : access
}

function keyProblem(verdict: 'missing' | 'wrong'): HttpReply {
  return verdict === 'missing'
    ? problem('key_missing', 'Send `Authorization: Bearer KEY`; the key is in DATA_DIR/api-key.')
    : problem('key_wrong', 'The key in the Authorization header is not one of this engine.')
}

/** Unknown paths 404, known paths with another method 405, preflights of allowed origins 204. */
function addCatchAll(app: ReturnType<typeof App>, routes: readonly Route[], origins: ReadonlySet<string>): void {
  const patterns = routes.map((route) => ({
    method: route.method,
    test: new RegExp(`^${route.path.replaceAll(/:[a-zA-Z]+/g, '[^/]+')}$`),
  }))
  app.any('/*', (res, req) => {
    const path = req.getUrl()
    const known = patterns.filter((pattern) => pattern.test.test(path))
    const origin = req.getHeader('origin')
    if (req.getMethod() === 'options' && origins.has(origin) && known.length > 0) {
      res.writeStatus('204 No Content').writeHeader('Access-Control-Allow-Origin', origin)
      res.writeHeader('Access-Control-Allow-Methods', known.map((pattern) => pattern.method).join(', '))
      res.writeHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type')
      res.writeHeader('Access-Control-Max-Age', '600').writeHeader('Vary', 'Origin').endWithoutBody()
      return
    }
    const reply =
      known.length > 0
        ? problem('method_wrong', `Use ${known.map((pattern) => pattern.method).join(' or ')} here.`)
        : problem('path_unknown', 'See /openapi.json for what there is.')
    res.writeStatus(statusLine(reply.status)).writeHeader('Content-Type', reply.contentType)
    if (known.length > 0) res.writeHeader('Allow', known.map((pattern) => pattern.method).join(', '))
    res.end(reply.body)
  })
}

/** Collects a body. uWS reuses its chunk memory, so each chunk is copied. */
function readBody(res: UwsResponse, maxBytes: number, done: (body: Uint8Array) => void, tooLarge: () => void): void {
  let chunks: Buffer[] | null = null
  let bytes = 0
  let over = false
  res.onData((chunk, isLast) => {
    if (over) return
    bytes += chunk.byteLength
    if (bytes > maxBytes) {
      over = true
      tooLarge()
      return
    }
    const copy = Buffer.from(new Uint8Array(chunk))
    if (isLast) return done(chunks === null ? copy : Buffer.concat([...chunks, copy]))
    chunks ??= []
    chunks.push(copy)
  })
}

const noQuery: ReadonlyMap<string, string> = new Map()
function parseQuery(text: string): ReadonlyMap<string, string> {
  if (text === '') return noQuery
  const query = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(text)) if (!query.has(name)) query.set(name, value)
  return query
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // Not valid percent-encoding: taken as it stands, the route's own check refuses it.
    return part
  }
}
