/** The bytes on the decisions log give back exactly the record that went in, and anything else is refused. */
import { readFileSync } from 'node:fs'
import avro from 'avsc'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decisionSchemaId, decodeDecision, encodeDecision } from '../../sinks/decision-codec.ts'
import { toWire } from '../../sinks/wire-fate.ts'
import { anyDecision } from './arbitrary-decision.ts'

test('a decoded decision equals the encoded one, infinite bounds and negative zero included', () => {
  fc.assert(
    fc.property(anyDecision, (decision) => {
      expect(decodeDecision(encodeDecision(decision))).toEqual(decision)
    }),
    { numRuns: 500 },
  )
})

test('the bytes are those that avsc writes for the schema', () => {
  const schema = avro.Type.forSchema(JSON.parse(readFileSync('sinks/schemas/decision.4.avsc', 'utf8')))
  fc.assert(
    fc.property(anyDecision, (decision) => {
      expect(Buffer.from(encodeDecision(decision).subarray(5)).equals(schema.toBuffer(toWire(decision)))).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('records larger than the first buffer survive', () => {
  const [seed] = fc.sample(anyDecision, { numRuns: 1, seed: 7 })
  if (seed === undefined) throw new Error('no sample')
  const features = Array.from({ length: 2_000 }, (_, i) => ({
    name: `feature-${i}`,
    lo: i,
    hi: i,
    class: 'exact' as const,
  }))
  const large = { ...seed, features }
  expect(decodeDecision(encodeDecision(large))).toEqual(large)
  expect(decodeDecision(encodeDecision(seed))).toEqual(seed)
})

test('a record starts with a zero byte and its schema id', () => {
  const [decision] = fc.sample(anyDecision, { numRuns: 1, seed: 7 })
  if (decision === undefined) throw new Error('no sample')
  expect([...encodeDecision(decision).subarray(0, 5)]).toEqual([
    0,
    0,
    0,
    decisionSchemaId >> 8,
    decisionSchemaId & 0xff,
  ])
})

test('cut, prolonged and foreign bytes are refused with a code', () => {
  fc.assert(
    fc.property(anyDecision, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (decision, where) => {
      const bytes = encodeDecision(decision)
      const refused = expect.objectContaining({ code: 'decision_undecodable' })
      expect(() => decodeDecision(bytes.subarray(0, Math.floor(where * bytes.length)))).toThrow(refused)
      expect(() => decodeDecision(Uint8Array.from([...bytes, 0]))).toThrow(refused)
      expect(() => decodeDecision(Uint8Array.from([0, 0, 0, 0, 9, ...bytes.subarray(5)]))).toThrow(refused)
    }),
    { numRuns: 100 },
  )
})
