/** The end of a process that does not stop by itself. */
import { expect, test } from 'vitest'
import { endAfter } from '../../engine/cli/stop-signal.ts'

test('a process that does not stop within its deadline is ended, and none before it was told to stop', async () => {
  const told = new AbortController()
  let ended = 0
  endAfter(told.signal, 20, () => ended++)
  await new Promise((resolve) => setTimeout(resolve, 60))
  expect(ended).toBe(0)
  told.abort()
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(ended).toBe(1)
  endAfter(told.signal, 1, () => ended++)
  await new Promise((resolve) => setTimeout(resolve, 60))
  expect(ended).toBe(2)
})
