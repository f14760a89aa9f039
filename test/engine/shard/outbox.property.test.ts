import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EventCursor, packEvents } from '../../../engine/shard/event-frame.ts'
import { decodeOutbox, encodeOutbox, letsOut, type Outbox } from '../../../engine/shard/outbox.ts'
import type { LogRecord } from '../../../ingest/log.ts'

const id = fc.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/)
const bytes = fc.uint8Array({ maxLength: 300 })
const offset = fc.nat({ max: 2 ** 31 })

const outbox: fc.Arbitrary<Outbox> = fc.record({
  seq: offset,
  now: offset,
  pack: fc.stringMatching(/^[0-9a-f]{64}$/),
  from: offset,
  next: offset,
  decisions: fc.array(fc.record({ customerId: id, bytes }), { maxLength: 8 }),
  deadLetters: fc.array(
    fc.record({
      offset,
      appendTime: offset,
      reason: fc.constantFrom('undecodable' as const, 'too_late' as const, 'wrong_partition' as const),
      field: fc.option(fc.constantFrom('amount', 'currency')),
      via: fc.constantFrom('http' as const, 'stream' as const),
      customerId: id,
      bytes,
    }),
    { maxLength: 8 },
  ),
  duplicates: fc.array(offset, { maxLength: 20 }),
  settlements: fc.array(
    fc.record({ kind: fc.constantFrom('confirm' as const, 'lapse' as const), resource: id, id, amount: offset }),
    { maxLength: 5 },
  ),
  batch: fc.option(fc.uint8Array({ minLength: 1, maxLength: 300 })),
})

it('an outbox value reads as it was written, and nothing to say is no value', () => {
  fc.assert(
    fc.property(outbox, (one) => {
      const value = encodeOutbox(one)
      const isEmpty =
        one.decisions.length + one.deadLetters.length + one.duplicates.length + one.settlements.length === 0
      expect(value === null).toBe(isEmpty && one.batch === null)
      if (value === null) return
      expect(decodeOutbox(value)).toEqual(one)
      expect(letsOut(value)).toBe(!isEmpty)
    }),
  )
})

it('a cut outbox value is never read as a whole one', () => {
  fc.assert(
    fc.property(outbox, fc.nat(), (one, cut) => {
      const value = encodeOutbox(one)
      if (value === null) return
      expect(() => decodeOutbox(value.subarray(0, cut % value.length))).toThrow()
    }),
  )
})

const record = fc.record({ offset, appendTime: offset, key: id, value: bytes })

it('records cross to the shard as they were, in order, within the limits', () => {
  const limits = fc.record({
    events: fc.integer({ min: 1, max: 20 }),
    customers: fc.integer({ min: 1, max: 10 }),
    bytes: fc.integer({ min: 1, max: 2_000 }),
  })
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 30 }), limits, (records, most) => {
      const frame = packEvents(records, most)
      const cursor = new EventCursor(frame.buffer)
      const crossed: LogRecord[] = []
      while (cursor.next()) {
        const { offset, appendTime, key, value } = cursor
        crossed.push({ offset, appendTime, key, value })
      }
      expect(crossed.length).toBe(frame.events)
      expect(frame.cut).toBe(crossed.length < records.length)
      expect(crossed.length).toBeGreaterThan(0)
      crossed.forEach((one, i) => {
        expect({ ...one, value: [...one.value] }).toEqual({ ...records[i], value: [...(records[i]?.value ?? [])] })
      })
      if (crossed.length === 1) return
      expect(crossed.length).toBeLessThanOrEqual(most.events)
      expect(new Set(crossed.map(({ key }) => key)).size).toBeLessThanOrEqual(most.customers)
      expect(frame.buffer.byteLength).toBeLessThanOrEqual(most.bytes)
    }),
  )
})
