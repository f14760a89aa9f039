/** A registry that speaks the Confluent API over HTTP: two of its calls. */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { backoffMs } from '../backoff.ts'
import { type RegistryAddress, registryAddress } from './authorization.ts'
import {
  SCHEMA_BYTES_MAX,
  SCHEMA_ID_MAX,
  type SchemaAnswer,
  type SchemaRegistry,
  SchemaRegistryError,
} from './schema-registry.ts'

export type HttpRegistryOptions = {
  /** Address of the API, with its path where it has one; may hold `user:password@`. */
  readonly url: string
  /** Value of the `authorization` header, see `authorizationOf`. */
  readonly authorization?: string
  /** Longest wait for one answer; the deadline of a call bounds all attempts together. */
  readonly timeoutMs?: number
  /** Back-off between attempts, from the first to the longest. */
  readonly retry?: { readonly firstMs: number; readonly mostMs: number }
  /** For addresses that need certificates or a proxy of their own. */
  readonly fetch?: typeof fetch
}

/**
 * Asks the registry at an address. What may pass by itself (no connection, no answer in time, 429, 5xx, an answer that is
 * not of the API) is tried again until the deadline of the call. Redirects are not followed: credentials stay here.
 * @throws TypeError when the address or the authorization is none
 */
export function createHttpRegistry(options: HttpRegistryOptions): SchemaRegistry {
  const address = registryAddress(options.url, options.authorization)
  const caller: Caller = {
    address,
    timeoutMs: options.timeoutMs ?? 2_000,
    retry: { firstMs: 50, mostMs: 1_000, salt: address.host, ...options.retry },
    fetch: options.fetch ?? fetch,
  }
  return {
    schemaOf: (id, deadlineMs) =>
      call(caller, { path: `/schemas/ids/${id}`, what: `schema ${id}` }, deadlineMs, schemaIn),
    register: (subject, schema, deadlineMs) =>
      call(
        caller,
        {
          path: `/subjects/${encodeURIComponent(subject)}/versions`,
          what: `subject ${subject}`,
          body: JSON.stringify({ schema }),
        },
        deadlineMs,
        idIn,
      ),
  }
}

type Caller = {
  readonly address: RegistryAddress
  readonly timeoutMs: number
  readonly retry: { readonly firstMs: number; readonly mostMs: number; readonly salt: string }
  readonly fetch: typeof fetch
}

type Question = {
  readonly path: string
  /** For messages. */
  readonly what: string
  /** Of a POST; without it the question is a GET. */
  readonly body?: string
}

/** What came back; `json` is undefined when it is not JSON, `cut` says that it was longer than is read. */
type Reply = { readonly status: number; readonly json: unknown; readonly isCut: boolean }

const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json'
/** A schema's text in JSON takes up to six bytes a byte. */
const REPLY_BYTES_MAX = 8 * SCHEMA_BYTES_MAX

/** The registry's code for a schema it does not have; another 404 is a wrong path or something in between. */
const SCHEMA_NOT_FOUND = 40403

const errorBody = z.object({ error_code: z.int(), message: z.string().optional() })
const schemaBody = z.object({ schema: z.string() })
const idBody = z.object({ id: z.int().min(1).max(SCHEMA_ID_MAX) })

async function call<Answer>(
  caller: Caller,
  question: Question,
  deadlineMs: number,
  answerIn: (reply: Reply) => Answer | undefined,
): Promise<Answer> {
  const until = performance.now() + deadlineMs
  let conflicts = 0
  let last: SchemaRegistryError | undefined
  for (let attempt = 1; ; attempt++) {
    const leftMs = until - performance.now()
    const signal = AbortSignal.timeout(Math.max(1, Math.ceil(Math.min(caller.timeoutMs, leftMs))))
    let failure: SchemaRegistryError
    try {
      const reply = await ask(caller, question, signal)
      const answer = answerIn(reply)
      if (answer !== undefined) return answer
      failure = failureOf(reply, caller.address.host, question)
    } catch (cause) {
      failure = unavailable(`the schema registry at ${caller.address.host} ${reasonOf(cause)}`, cause)
      // An attempt that the deadline cut short tells less than the one before it.
      if (last !== undefined && performance.now() >= until) failure = last
    }
    last = failure
    const pauseMs = backoffMs(attempt, caller.retry)
    // Of two engines that add the first version at the same time one may be told of a conflict, once.
    const isDefinite = failure.code === 'schema_incompatible' ? ++conflicts > 1 : !failure.retryable
    if (isDefinite || performance.now() + pauseMs >= until) throw failure
    await sleep(pauseMs)
  }
}

async function ask(caller: Caller, { path, body }: Question, signal: AbortSignal): Promise<Reply> {
  const { base, authorization } = caller.address
  const response = await caller.fetch(`${base}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      accept: `${MEDIA_TYPE}, application/json`,
      ...(body === undefined ? {} : { 'content-type': MEDIA_TYPE }),
      ...(authorization === undefined ? {} : { authorization }),
    },
    ...(body === undefined ? {} : { body }),
    redirect: 'manual',
    signal,
  })
  const { text, isCut } = await bodyOf(response)
  return { status: response.status, json: isCut ? undefined : jsonOf(text), isCut }
}

/** The text of a response, read no further than the bound. */
async function bodyOf({ body }: Response): Promise<{ readonly text: string; readonly isCut: boolean }> {
  const chunks: Uint8Array[] = []
  let size = 0
  if (body !== null) {
    for await (const chunk of body) {
      size += chunk.length
      if (size > REPLY_BYTES_MAX) return { text: '', isCut: true }
      chunks.push(chunk)
    }
  }
  return { text: Buffer.concat(chunks).toString('utf8'), isCut: false }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function schemaIn(reply: Reply): SchemaAnswer | undefined {
  if (reply.status === 404) {
    const error = errorBody.safeParse(reply.json)
    return error.success && error.data.error_code === SCHEMA_NOT_FOUND ? { kind: 'unknown' } : undefined
  }
  if (reply.status !== 200) return undefined
  if (reply.isCut) return { kind: 'too_large' }
  const found = schemaBody.safeParse(reply.json)
  if (!found.success) return undefined
  const text = found.data.schema
  return Buffer.byteLength(text) > SCHEMA_BYTES_MAX ? { kind: 'too_large' } : { kind: 'schema', text }
}

function idIn(reply: Reply): number | undefined {
  const found = reply.status === 200 ? idBody.safeParse(reply.json) : undefined
  return found?.success ? found.data.id : undefined
}

function failureOf({ status, json }: Reply, host: string, { what, body }: Question): SchemaRegistryError {
  const error = errorBody.safeParse(json)
  const said = error.success && error.data.message !== undefined ? `: ${error.data.message.slice(0, 300)}` : ''
  if (status === 401 || status === 403) {
    return new SchemaRegistryError(
      'registry_denied',
      `the schema registry at ${host} does not let us at ${what} (${status}): check the credentials and their rights`,
      { retryable: false },
    )
  }
  if (status === 429 || status >= 500) return unavailable(`the schema registry at ${host} failed with ${status}`)
  if (body !== undefined && status === 409) {
    return new SchemaRegistryError(
      'schema_incompatible',
      `${what} has a version that this release's schema is not compatible with: compare the two; when the difference ` +
        `is meant, relax the compatibility of the subject for this registration, else use another topic${said}`,
      { retryable: false },
    )
  }
  if (body !== undefined && status === 422) {
    return new SchemaRegistryError('schema_refused', `the schema registry refuses the schema for ${what}${said}`, {
      retryable: false,
    })
  }
  return new SchemaRegistryError(
    'answer_unexpected',
    `what answers at ${host} is not a schema registry's API, or another version of it (${status}): check the address`,
    { retryable: true },
  )
}

function unavailable(message: string, cause?: unknown): SchemaRegistryError {
  return new SchemaRegistryError('registry_unavailable', message, { retryable: true, cause })
}

/** Why no answer came, without what was sent. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'did not answer in time'
  const { cause } = z.object({ cause: z.object({ code: z.string() }) }).safeParse(error).data ?? {}
  return cause === undefined ? 'cannot be reached' : `cannot be reached (${cause.code})`
}
