import { LogError } from './log.ts'

/**
 * Waits for work at most so long. The work itself goes on; whoever gives up on it has to end it.
 * @throws LogError `log_unavailable`, retryable, after `ms`
 */
export function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(timeoutError(what, ms)), ms)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

function timeoutError(what: string, ms: number): LogError {
  return new LogError('log_unavailable', `${what}; no answer within ${ms} ms`, { retryable: true })
}
