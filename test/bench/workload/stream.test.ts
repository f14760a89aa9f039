import { describe, expect, test } from 'vitest'
import { createRandom, cumulate } from '../../../bench/workload/random.ts'
import { createStream, maxEventBytes, streamCustomerId } from '../../../bench/workload/stream.ts'
import { createZipf } from '../../../bench/workload/zipf.ts'
import { decodeEvent } from '../../../ingest/avro-codec.ts'

const startMs = Date.parse('2026-03-10T00:00:00+08:00')

function bytesOf(seed: number, count: number): Buffer {
  const stream = createStream({ seed, customers: 1000, startMs })
  const buffer = Buffer.alloc(count * maxEventBytes)
  let length = 0
  for (let i = 0; i < count; i++) {
    stream.next()
    length += stream.write(buffer, length)
  }
  return buffer.subarray(0, length)
}

describe('the plain load', () => {
  test('the bytes written in place are the event, for every shape', () => {
    const stream = createStream({ seed: 3, customers: 100_000, startMs })
    const buffer = new Uint8Array(1000)
    const types = new Set<string>()
    let bytes = 0
    for (let i = 0; i < 3000; i++) {
      stream.next()
      const length = stream.write(buffer, 17)
      const decoded = decodeEvent(buffer.slice(17, 17 + length))
      expect(decoded).toEqual({ kind: 'ok', event: stream.event() })
      expect(stream.event().customerId).toBe(streamCustomerId(stream.customer))
      expect(length).toBeLessThanOrEqual(maxEventBytes)
      types.add(stream.event().type)
      bytes += length
    }
    expect(types.size).toBe(10)
    expect(bytes / 3000).toBeGreaterThan(90)
    expect(bytes / 3000).toBeLessThan(140)
  })

  test('the same seed gives the same bytes', () => {
    expect(bytesOf(1, 500).equals(bytesOf(1, 500))).toBe(true)
    expect(bytesOf(1, 500).equals(bytesOf(2, 500))).toBe(false)
  })

  test('streams of different seeds have no event id in common', () => {
    const idsOf = (seed: number) => {
      const stream = createStream({ seed, customers: 1000, startMs })
      return Array.from({ length: 200 }, () => {
        stream.next()
        return stream.event().id
      })
    }
    const ids = [0, 1, 2, 99].flatMap(idsOf)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('times never run backwards, at twenty events a customer and day', () => {
    const stream = createStream({ seed: 1, customers: 500, startMs })
    let last = startMs
    for (let i = 0; i < 10_000; i++) {
      stream.next()
      expect(stream.time).toBeGreaterThanOrEqual(last)
      last = stream.time
    }
    expect((last - startMs) / 86_400_000).toBeCloseTo(1, 2)
  })

  test('a stream of some types has only those, in bytes and as objects', () => {
    const types = ['card.purchase', 'nps.answered']
    const stream = createStream({ seed: 3, customers: 1000, startMs, types })
    const buffer = new Uint8Array(maxEventBytes)
    const seen = new Set<string>()
    for (let i = 0; i < 1000; i++) {
      stream.next()
      const decoded = decodeEvent(buffer.slice(0, stream.write(buffer, 0)))
      expect(decoded).toEqual({ kind: 'ok', event: stream.event() })
      seen.add(stream.event().type)
    }
    expect([...seen].sort()).toEqual(types)
    expect(() => createStream({ seed: 3, customers: 10, startMs, types: ['no.such'] })).toThrow(RangeError)
  })

  test('times whose bytes would not fit are refused', () => {
    expect(() => createStream({ seed: 1, customers: 1, startMs: 0 })).toThrow(RangeError)
    expect(() => createStream({ seed: 1, customers: 1, startMs: 2 ** 41 })).toThrow(RangeError)
  })
})

test('a rank is drawn as often as its Zipf weight says', () => {
  const random = createRandom(1, 'zipf')
  const draw = createZipf(50, 0.6)
  const counts = new Array<number>(50).fill(0)
  const draws = 200_000
  for (let i = 0; i < draws; i++) {
    const rank = draw(random)
    counts[rank] = (counts[rank] ?? 0) + 1
  }
  const sum = Array.from({ length: 50 }, (_, i) => (i + 1) ** -0.6).reduce((a, b) => a + b, 0)
  counts.forEach((count, i) => {
    expect(Math.abs(count / draws - (i + 1) ** -0.6 / sum)).toBeLessThan(0.004)
  })
})

test('weights are drawn in proportion, and independent names give independent draws', () => {
  const random = createRandom(9, 'weights')
  const sums = cumulate([1, 0, 3])
  const counts = [0, 0, 0]
  for (let i = 0; i < 40_000; i++) {
    const index = random.weighted(sums)
    counts[index] = (counts[index] ?? 0) + 1
  }
  expect(counts[1]).toBe(0)
  expect((counts[2] ?? 0) / (counts[0] ?? 1)).toBeCloseTo(3, 0)
  expect(createRandom(9, 'a').next()).not.toBe(createRandom(9, 'b').next())
})
