/** What Redis and the network say when something fails, as errors of the store port and as what to do about the connection. */
import assert from 'node:assert/strict'
import { StoreError } from '../store.ts'
import { corrupt } from './state-value.ts'

/**
 * What a failure says about where the call went.
 * `elsewhere`: the server is not, or no longer, the one to ask. `silent`: the connection cannot be relied on any more. `none`: neither.
 */
export type Suspicion = 'none' | 'silent' | 'elsewhere'

/** Codes that Redis puts first in an error reply, or, before 7.0, somewhere in the reply of a script that failed. */
const codes = [
  'NOSCRIPT',
  'WRONGTYPE',
  'OOM',
  'READONLY',
  'MOVED',
  'ASK',
  'TRYAGAIN',
  'CROSSSLOT',
  'CLUSTERDOWN',
  'MASTERDOWN',
  'LOADING',
  'BUSY',
  'NOREPLICAS',
  'MISCONF',
  'UNBLOCKED',
  'NOAUTH',
  'NOPERM',
  'WRONGPASS',
] as const
type Code = (typeof codes)[number]

const elsewhere: ReadonlySet<string> = new Set(['READONLY', 'MOVED', 'ASK', 'CLUSTERDOWN', 'MASTERDOWN', 'UNBLOCKED'])
const timedOut = 'Command timed out'

/** Whether the server does not know the script: nothing was run. */
export function isUnknownScript(error: unknown): boolean {
  return codeOf(error) === 'NOSCRIPT'
}

/** What a failure says about the connection. */
export function suspicionOf(error: unknown): Suspicion {
  const code = codeOf(error)
  if (code !== null) return elsewhere.has(code) ? 'elsewhere' : 'none'
  return isReply(error) && !saysReplica(error) ? 'none' : 'silent'
}

/**
 * The error of the port for a failure. Almost all are retryable: whether the call was carried out is not known, or is known
 * not to be, and the same bytes may be sent again. Rethrows bugs: they would be sent again for ever.
 */
export function translated(error: unknown): StoreError {
  if (error instanceof StoreError) return error
  if (error instanceof assert.AssertionError) throw error
  const code = codeOf(error)
  if (code === 'WRONGTYPE') return corrupt('A key of the store has another type than the one written.')
  if (code === 'OOM') {
    return new StoreError('store_full', 'Redis has reached its maxmemory; nothing was written.', {
      retryable: true,
      cause: plain(error),
    })
  }
  if (code === null && isReply(error) && /user_script|script/i.test(error.message)) throw plain(error)
  return unavailable(code === null ? 'Redis does not answer.' : `Redis answers ${code}.`, plain(error))
}

/** The store cannot be asked now; the caller is in doubt. */
export function unavailable(message: string, cause?: unknown): StoreError {
  return new StoreError('store_unavailable', message, { retryable: true, cause })
}

function codeOf(error: unknown): Code | null {
  if (!isReply(error)) return null
  const { message } = error
  return codes.find((code) => message.startsWith(code)) ?? codes.find((code) => message.includes(`-${code} `)) ?? null
}

/** Whether Redis said it, and not the network or the client. */
function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError'
}

/** WAIT on a server that was made a replica. */
function saysReplica(error: Error): boolean {
  return error.message.includes('replica')
}

/** Without the command, whose arguments are customers' data, that the client hangs onto its errors and Redis into its messages. */
function plain(error: unknown): Error {
  if (!(error instanceof Error)) return new Error('unknown failure')
  return new Error(error.message.split(/,? with args/)[0]?.slice(0, 300))
}

/** Whether the client gave up waiting for the reply. */
export function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === timedOut
}
