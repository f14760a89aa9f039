/** Records of the batches log: bytes of every released schema, and what is none. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { decodeBatch, encodeBatch } from '../../sinks/batch-codec.ts'
import { released } from '../fixtures/released-bytes/released-bytes.ts'
import { nothing, stepped } from './sample-batches.ts'

const batches = released.filter(({ type }) => type === 'batch')
const ids = z
  .array(z.object({ id: z.number(), type: z.string() }))
  .parse(JSON.parse(readFileSync(new URL('../../sinks/schemas/ids.json', import.meta.url), 'utf8')))

test('bytes of every schema of batches are checked in, and are the same batches for ever', () => {
  expect(batches.map(({ id }) => id)).toEqual(ids.filter(({ type }) => type === 'batch').map(({ id }) => id))
  for (const { records, holds } of batches) {
    expect(records.length).toBe(holds.length)
    for (const [i, bytes] of records.entries())
      expect(JSON.parse(JSON.stringify(decodeBatch(bytes)))).toMatchObject(holds[i] ?? {})
  }
})

test('a batch that does not tell how many events it took has taken all of its offsets', () => {
  const untold = batches.find(({ id }) => id === 1101)?.records ?? []
  expect(untold.map(decodeBatch).map(({ events }) => events)).toEqual([stepped.next - stepped.from, 0])
})

test('a batch comes back as it was, numbers without a word in JSON too', () => {
  const [step] = stepped.steps
  if (step?.stock === undefined || step.stock === null) throw new Error('the sample has stock')
  const stock = { ...step.stock, left: [Number.NaN, 3] }
  const series = { since: [Number.POSITIVE_INFINITY], renamed: [] }
  const odd = { ...stepped, steps: [{ ...step, stock, series }] }
  for (const batch of [stepped, nothing, odd]) expect(decodeBatch(encodeBatch(batch))).toEqual(batch)
})

test('cut bytes, bytes with a rest and unknown schemas are refused', () => {
  const bytes = encodeBatch(stepped)
  const refused = expect.objectContaining({ code: 'batch_undecodable' })
  const codeOf = (some: Uint8Array): unknown => {
    try {
      return decodeBatch(some)
    } catch (error) {
      return error
    }
  }
  for (const length of [0, 4, 5, 20, bytes.length - 1]) expect(codeOf(bytes.slice(0, length))).toEqual(refused)
  expect(codeOf(Buffer.concat([bytes, Buffer.alloc(1)]))).toEqual(refused)
  const unknown = Buffer.from(bytes)
  unknown.writeUInt32BE(9_999, 1)
  expect(codeOf(unknown)).toEqual(refused)
})
