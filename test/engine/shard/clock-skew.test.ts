import { expect, test } from 'vitest'
import { clockSkew } from '../../../engine/shard/take-partition.ts'

const storeTime = 1_700_000_000_000

/** Looks with a clock that is `aheadMs` ahead of the store's, over a way of `there` milliseconds to the store and `back` from it. */
function skewOf(aheadMs: number, { there, back }: { readonly there: number; readonly back: number }) {
  let elapsed = 0
  const storeNow = async () => {
    elapsed += there
    const read = storeTime + elapsed
    elapsed += back
    return read
  }
  return clockSkew({
    port: { storeNow },
    clock: { kind: 'wall', now: () => storeTime + elapsed + aheadMs },
    timing: { elapsed: () => elapsed },
  })
}

test('clocks that are apart are told however long the way was', async () => {
  expect(await skewOf(600, { there: 5, back: 5 })).toBe(600 - 5)
  expect(await skewOf(-600, { there: 5, back: 5 })).toBe(-600 + 5)
  expect(await skewOf(3_600_000, { there: 10_000, back: 0 })).toBe(3_590_000)
  expect(await skewOf(-3_600_000, { there: 0, back: 10_000 })).toBe(-3_590_000)
})

test('a store that answers late, on either way, is not a clock that is wrong', async () => {
  for (const late of [
    { there: 18_000, back: 0 },
    { there: 0, back: 18_000 },
  ])
    for (const aheadMs of [0, 400, -400]) expect(await skewOf(aheadMs, late)).toBeNull()
})

test('clocks that are a little apart are as good as right', async () => {
  for (const aheadMs of [0, 400, -400]) expect(await skewOf(aheadMs, { there: 5, back: 5 })).toBeNull()
})
