import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from '../store.ts'
import { unavailable } from './redis-errors.ts'
import type { RedisNode } from './redis-node.ts'
import { listOf, textOf } from './redis-reply.ts'

/** Keys that the server looks at in one go, where few are found: about 300 us of its one thread. */
const keysAPage = 2_000

/**
 * The keys of one server that match a pattern, page by page. Every key that is there all the time is given at least once; a
 * server that was started anew, or is another one, breaks that promise, and the caller has to notice.
 *
 * @param count keys that the server looks at in one go
 * @throws StoreError
 */
export async function* scanKeys(
  node: RedisNode,
  pattern: string,
  count: number = keysAPage,
): AsyncGenerator<readonly string[]> {
  let cursor = '0'
  do {
    const at = cursor
    const [page] = await patiently(() => node.read([['SCAN', at, 'MATCH', pattern, 'COUNT', String(count)]]))
    const [next = null, keys] = listOf(page)
    cursor = textOf(next) ?? '0'
    yield listOf(keys).map((key) => textOf(key) ?? '')
  } while (cursor !== '0')
}

/** Pauses between attempts, milliseconds; about 12 seconds in all, less than a backup's mark holds. */
const pausesMs = [50, 100, 250, 500, 1_000, 2_000, 4_000, 4_000] as const

/**
 * Makes a call again while it fails in a way that may pass: a long copy should not end with one lost connection. Only for
 * calls that may be made twice.
 * @throws StoreError the last failure
 */
export async function patiently<Value>(call: () => Promise<Value>): Promise<Value> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await call()
    } catch (error) {
      const pauseMs = pausesMs[attempt]
      if (!(error instanceof StoreError) || !error.retryable) throw error
      if (pauseMs === undefined) throw unavailable(`${error.message} Run the command again when that is mended.`, error)
      await sleep(pauseMs)
    }
  }
}
