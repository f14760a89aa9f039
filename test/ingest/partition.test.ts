import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { murmur2, partitionOf } from '../../ingest/partition.ts'

/** The client library's own port of Kafka's hash: the oracle. It is not exported, so it is loaded by path. */
const oracle: (key: string) => number = createRequire(import.meta.url)(
  'kafkajs/src/producer/partitioners/default/murmur2.js',
)

test('murmur2 of any text is the one Kafka clients compute', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary-ascii' })), (key) => {
      expect(murmur2(key)).toBe(oracle(key))
    }),
    { numRuns: 3_000 },
  )
})

test('murmur2 has the values of the tests of Kafka itself', () => {
  expect(murmur2('21')).toBe(-973932308)
  expect(murmur2('foobar')).toBe(-790332482)
  expect(murmur2('a-little-bit-long-string')).toBe(-985981536)
  expect(murmur2('a-little-bit-longer-string')).toBe(-1486304829)
  expect(murmur2('lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8')).toBe(-58897971)
})

test('a non-ASCII character in any place of the text changes nothing', () => {
  for (const key of ['é', 'aé', 'abé', 'abcé', 'éabcd', 'abcdé', 'ab客d', '客户一二三', '😀', 'abcd😀']) {
    expect(murmur2(key)).toBe(oracle(key))
  }
})

test('customers spread over all partitions within a tenth of even', () => {
  const counts = new Array<number>(8).fill(0)
  for (let i = 0; i < 80_000; i++) {
    const partition = partitionOf(`C${String(i).padStart(8, '0')}`, 8)
    counts[partition] = (counts[partition] ?? 0) + 1
  }
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(1_000)
})
