/**
 * How a command talks to the engine: over loopback HTTP to the one that runs on this DATA_DIR, or to one that is started in
 * this process for the length of the command. One path either way.
 */
import { problemWords, strangeAnswer } from './problem-words.ts'

/** A JSON answer of the engine. */
export type ClientReply = { readonly status: number; readonly body: unknown }

export type Client = {
  get(path: string): Promise<ClientReply>
  post(path: string, body: unknown, contentType?: string): Promise<ClientReply>
}

/** The engine cannot be asked; `code` is `engine_unreachable`, the message says what to do. */
export class ClientError extends Error {
  readonly code = 'engine_unreachable'
}

/** Working on a pack takes up to five minutes. */
const answerTimeoutMs = 320_000

/** A client of the engine at `url` (`http://host:port`). */
export function createClient(url: string, key: string): Client {
  const base = url.replace(/\/+$/, '')
  const call = async (method: 'GET' | 'POST', path: string, body?: string, contentType?: string) => {
    try {
      const response = await fetch(`${base}${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${key}`,
          ...(contentType === undefined ? {} : { 'Content-Type': contentType }),
        },
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.timeout(answerTimeoutMs),
      })
      const text = await response.text()
      const isJson = (response.headers.get('content-type') ?? '').includes('json')
      const parsed: unknown = isJson ? JSON.parse(text) : text
      return { status: response.status, body: parsed }
    } catch (cause) {
      throw new ClientError(
        `the engine at ${base} does not answer. Is it starting or stopping? Try again, or end it and repeat the command.`,
        { cause },
      )
    }
  }
  return {
    get: (path) => call('GET', path),
    post: (path, body, contentType = 'application/json') => call('POST', path, JSON.stringify(body), contentType),
  }
}

/** Whether a value is an object whose fields can be read. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The sentence of a problem answer, or of an unexpected one. */
export function problemText(reply: ClientReply): string {
  return isRecord(reply.body) && typeof reply.body['title'] === 'string' ? problemWords(reply.body) : strangeAnswer
}
