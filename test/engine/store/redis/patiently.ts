import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Makes the same call until its answer is definite, as the shard does.
 * @throws what the call throws that is not retryable; the last error after twenty seconds
 */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 20_000
  for (;;) {
    try {
      return await call()
    } catch (error) {
      const isRetryable = error instanceof Error && 'retryable' in error && error.retryable === true
      if (!isRetryable || performance.now() > deadline) throw error
      await sleep(20)
    }
  }
}
