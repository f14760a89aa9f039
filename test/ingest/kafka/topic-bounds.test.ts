import { expect, test } from 'vitest'
import { shareCalls } from '../../../ingest/kafka/topic-bounds.ts'

test('those who come during a call share the next one, which begins after they came', async () => {
  const begun: PromiseWithResolvers<number>[] = []
  const shared = shareCalls(() => {
    const call = Promise.withResolvers<number>()
    begun.push(call)
    return call.promise
  })
  const first = shared()
  const others = [shared(), shared(), shared()]
  expect(begun).toHaveLength(1)
  begun[0]?.resolve(1)
  expect(await first).toBe(1)
  await Promise.resolve()
  expect(begun).toHaveLength(2)
  begun[1]?.resolve(2)
  expect(await Promise.all(others)).toEqual([2, 2, 2])
  const later = shared()
  expect(begun).toHaveLength(3)
  begun[2]?.resolve(3)
  expect(await later).toBe(3)
})

test('a call that fails fails for those who shared it, and the next one is made all the same', async () => {
  let calls = 0
  const shared = shareCalls(async () => {
    if (++calls === 1) throw new Error('first')
    return calls
  })
  const first = shared()
  const second = shared()
  await expect(first).rejects.toThrow('first')
  expect(await second).toBe(2)
})
