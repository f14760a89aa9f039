import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Arena } from '../../../engine/state/arena.ts'

describe('the arena', () => {
  it('never gives the same bytes to two blocks, and has everything back in the end', () => {
    const step = fc.oneof(
      fc.record({ take: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 9000 })) }),
      fc.record({ give: fc.nat() }),
    )
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 300 }), (steps) => {
        const arena = new Arena(64 << 10)
        const whole = arena.freeBytes
        const live: { pointer: number; bytes: number; mark: number }[] = []
        let mark = 0
        for (const one of steps) {
          if ('take' in one) {
            const pointer = arena.alloc(one.take)
            if (pointer === 0) continue
            mark = (mark + 1) % 251
            arena.u8.fill(mark, pointer * 8, pointer * 8 + one.take)
            live.push({ pointer, bytes: one.take, mark })
          } else if (live.length > 0) {
            const [gone] = live.splice(one.give % live.length, 1)
            if (gone !== undefined) arena.free(gone.pointer)
          }
          const used = live.reduce((sum, { pointer }) => sum + arena.sizeOf(pointer), 0)
          expect(arena.usedBytes).toBe(used)
        }
        for (const { pointer, bytes, mark: own } of live) {
          expect(arena.u8.subarray(pointer * 8, pointer * 8 + bytes).every((byte) => byte === own)).toBe(true)
        }
        for (const { pointer } of live) arena.free(pointer)
        expect(arena.freeBytes).toBe(whole)
        // In one piece again: a block of nearly everything fits.
        expect(arena.alloc(Math.floor(whole * 0.85))).not.toBe(0)
      }),
      { numRuns: 100 },
    )
  })

  it('says 0 when there is no room, and goes on', () => {
    const arena = new Arena(8192)
    expect(arena.alloc(1 << 20)).toBe(0)
    const blocks: number[] = []
    for (let pointer = arena.alloc(100); pointer !== 0; pointer = arena.alloc(100)) blocks.push(pointer)
    expect(blocks.length).toBeGreaterThan(65)
    arena.free(blocks[10] ?? 0)
    expect(arena.alloc(100)).toBe(blocks[10])
  })
})
