/** Goal: a permit is the owner's word of now, or none. Method: the queue alone, with a shard that permits everything. */
import { expect, test } from 'vitest'
import { ViewQueue } from '../../../engine/shard/view-queue.ts'

const permitted = { permitted: true, reason: 'permitted', until: 1 } as const
const asked = { customerId: 'C1', decisionId: 'f'.repeat(32), channel: 'sms' }
const at = { now: 0, isBehind: false, isStillOwner: () => true }

function shard(): { port: Parameters<ViewQueue['run']>[0]; asked: () => number } {
  let count = 0
  const never = () => Promise.reject(new Error('nobody asks for this'))
  const port: Parameters<ViewQueue['run']>[0] = {
    view: never,
    copy: never,
    permit: () => {
      count++
      return Promise.resolve(permitted)
    },
  }
  return { port, asked: () => count }
}

test('while events wait to be counted every permit is refused, and the shard is not asked', async () => {
  const queue = new ViewQueue()
  const { port, asked: times } = shard()
  const permit = queue.permit(asked)
  expect(await queue.run(port, 0, { ...at, isBehind: true })).toBe('answered')
  expect(await permit).toEqual({ permitted: false, reason: 'stale_state', until: 0 })
  expect(times()).toBe(0)
})

test('what the shard says after the partition may have been lost is not handed on', async () => {
  const queue = new ViewQueue()
  const { port } = shard()
  const permit = queue.permit(asked)
  expect(await queue.run(port, 0, { ...at, isStillOwner: () => false })).toBe('lost')
  // It waits for the next owner here, who says the same or something else.
  expect(queue.size).toBe(1)
  expect(await queue.run(port, 0, at)).toBe('answered')
  expect(await permit).toEqual(permitted)
})

test('looks are not next twice in a row', () => {
  const queue = new ViewQueue()
  expect(queue.takesTurn()).toBe(false)
  queue.permit(asked).catch(() => undefined)
  expect([queue.takesTurn(), queue.takesTurn(), queue.takesTurn()]).toEqual([true, false, true])
})

test('beyond its bound it refuses', async () => {
  const queue = new ViewQueue()
  for (let i = 0; i < 64; i++) queue.permit(asked).catch(() => undefined)
  await expect(queue.permit(asked)).rejects.toMatchObject({ code: 'partition_busy' })
})
