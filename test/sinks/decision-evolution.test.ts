/** Decisions written with other versions of their schema, and under the ids of a registry. */
import { readFileSync } from 'node:fs'
import avro from 'avsc'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Decision } from '../../sinks/decision.ts'
import { createDecisionCodec, decisionSchema, decodeDecision, encodeDecision } from '../../sinks/decision-codec.ts'
import { decisionJson } from '../../sinks/decision-json.ts'
import { fromWire, toWire } from '../../sinks/wire-fate.ts'
import { released } from '../fixtures/released-bytes/released-bytes.ts'
import { anyDecision } from './arbitrary-decision.ts'

const recordSchema = z.looseObject({ fields: z.array(z.looseObject({ name: z.string(), type: z.unknown() })) })
type RecordSchema = z.infer<typeof recordSchema>

const [sample] = fc.sample(anyDecision, { numRuns: 1, seed: 7 })
if (sample === undefined) throw new Error('no sample')
const decision: Decision = {
  ...sample,
  outcome: 'offered',
  features: [{ name: 'f', lo: Number.NEGATIVE_INFINITY, hi: 1, class: 'bounded' }],
  contacts: [{ offer: 'o', category: 'c', class: 'marketing' }],
}
/** What follows the contacts: the score of doing nothing, no model, no holdout, no recall, no stock, no origin, no price. */
const rest = Buffer.concat([Buffer.from([0, 0]), Buffer.alloc(8), Buffer.from([0, 0, 0, 0, 0, 0])])
const ending = {
  confirmBy: 0,
  held: [],
  nothing: 0,
  modelHash: '',
  holdouts: [],
  recalls: [],
  stock: [],
  origins: [],
  prices: [],
} as const
const scored = { propensity: 1, context: 1, value: 1, lever: 1, score: 1 }
const ownId = 100_007
const id = 1_002

function own(): RecordSchema {
  return recordSchema.parse(JSON.parse(decisionSchema))
}

/** A codec in a registry's id space that was told what id 1002 means. */
function learned(schema: unknown) {
  const codec = createDecisionCodec(ownId)
  return { codec, outcome: codec.learn(id, JSON.stringify(schema)) }
}

function written(schema: RecordSchema, record: unknown): Buffer {
  const type = avro.Type.forSchema(JSON.parse(JSON.stringify(schema)))
  return Buffer.concat([Buffer.from([0, 0, 0, id >> 8, id & 0xff]), type.toBuffer(record)])
}

const undecodable = expect.objectContaining({ code: 'decision_undecodable' })

describe('bytes of every released schema', () => {
  const decisions = released.filter(({ type }) => type === 'decision')
  const all = z.array(z.object({ id: z.number(), type: z.string(), file: z.string() })).parse(json('ids.json'))
  const rows = all.filter(({ type }) => type === 'decision')

  test('are checked in for each schema id', () => {
    expect(decisions.map((one) => one.id)).toEqual(rows.map((row) => row.id))
  })

  test.each(decisions)('$id are the same decisions for ever, with the defaults of later fields', (one) => {
    for (const [i, bytes] of one.records.entries()) {
      expect(decisionJson(decodeDecision(bytes))).toMatchObject(one.holds[i] ?? {})
    }
    expect(one.records.length).toBe(one.holds.length)
  })

  test.each(decisions)('$id are the same decisions by their schema from a registry', (one) => {
    const { codec, outcome } = learned(json(rows.find((row) => row.id === one.id)?.file ?? ''))
    expect(outcome).toEqual({ kind: 'learned', name: 'proffer.sinks.Decision' })
    for (const record of one.records) {
      const bytes = Buffer.from(record)
      bytes.writeUInt32BE(id, 1)
      expect(codec.decode(bytes)).toEqual(decodeDecision(record))
    }
  })

  test('of the versions before holdouts count for none, and no stage has a name of its own', () => {
    for (const one of decisions.slice(0, 2)) {
      for (const { holdouts, nothing, modelHash, fates } of one.records.map((bytes) => decodeDecision(bytes))) {
        expect([holdouts, nothing, modelHash]).toEqual([[], 0, ''])
        for (const fate of fates) expect([fate.learned, fate.stage === 'holdout']).toEqual([null, false])
      }
    }
  })

  test('of the first version have taken no contacts', () => {
    const [first] = decisions
    expect(first?.records.map((bytes) => decodeDecision(bytes).contacts)).toEqual(first?.records.map(() => []))
  })

  function json(file: string): unknown {
    return JSON.parse(readFileSync(`sinks/schemas/${file}`, 'utf8'))
  }
})

test('with a registry decisions are written under its id, and our own ids mean nothing', () => {
  const codec = createDecisionCodec(ownId)
  const bytes = Buffer.from(codec.encode(decision))
  expect(bytes.readUInt32BE(1)).toBe(ownId)
  expect(codec.decode(bytes)).toEqual(decision)
  bytes.writeUInt32BE(id, 1)
  expect(codec.knows(id)).toBe(false)
  expect(() => codec.decode(bytes)).toThrow(undecodable)
  expect(() => decodeDecision(codec.encode(decision))).toThrow(undecodable)
})

test('a reader of an older release reads a candidate that was held out, as one that did not come to arbitration', () => {
  const fate = { offer: 'o', trigger: null, reason: 'holdout', rule: 'h', possibleAt: 0, learned: null }
  const heldOut: Decision = { ...decision, fates: [{ ...fate, ...scored, stage: 'holdout' }] }
  expect(decodeDecision(encodeDecision(heldOut)).fates).toEqual(heldOut.fates)
  const { fates } = toWire(heldOut)
  expect(fates).toMatchObject([{ stage: 'arbitration', stageName: 'holdout' }])
  const older = avro.Type.forSchema(JSON.parse(readFileSync('sinks/schemas/decision.2.avsc', 'utf8')))
  const newer = avro.Type.forSchema(JSON.parse(decisionSchema))
  const bytes = Buffer.from(encodeDecision(heldOut).subarray(5))
  expect(older.fromBuffer(bytes, older.createResolver(newer))).toMatchObject({ fates: [{ stage: 'arbitration' }] })
})

test('a stage by a name that is not known here is read as its symbol', () => {
  const fate = { offer: 'o', trigger: null, reason: 'outbid', rule: null, possibleAt: 0, learned: null, ...scored }
  const wire = { ...toWire(decision), fates: [{ ...fate, stage: 'contact' as const, stageName: 'auction' }] }
  expect(fromWire(wire).fates[0]?.stage).toBe('contact')
})

test('a newer writer with a nullable field more is read without it', () => {
  const newer = { ...own(), fields: [...own().fields, { name: 'note', type: ['null', 'string'], default: null }] }
  const { codec, outcome } = learned(newer)
  expect(outcome.kind).toBe('learned')
  for (const note of [null, 'n']) expect(codec.decode(written(newer, { ...toWire(decision), note }))).toEqual(decision)
})

test('an older writer without a field that has a default is read with it', () => {
  const older = { ...own(), fields: own().fields.filter(({ name }) => name !== 'contacts') }
  expect(learned(older).codec.decode(written(older, toWire(decision)))).toEqual({ ...decision, contacts: [] })
})

test('a symbol that we do not have makes its decision undecodable, and no other', () => {
  const outcome = { type: 'enum', name: 'DecisionOutcome', symbols: ['deferred', 'offered'] }
  const newer = { ...own(), fields: own().fields.map((f) => (f.name === 'outcome' ? { ...f, type: outcome } : f)) }
  const { codec } = learned(newer)
  const wire = toWire(decision)
  expect(codec.decode(written(newer, wire))).toEqual(decision)
  expect(() => codec.decode(written(newer, { ...wire, outcome: 'deferred' }))).toThrow(undecodable)
})

test.each([
  [
    'a required field is gone',
    { ...own(), fields: own().fields.filter(({ name }) => name !== 'reason') },
    'incompatible',
  ],
  ['the record is another', { ...own(), name: 'Verdict' }, 'type_unknown'],
  ['it is no schema', { fields: [] }, 'not_avro'],
])('decisions are undecodable when %s', (_, schema, code) => {
  const { codec, outcome } = learned(schema)
  expect(outcome).toMatchObject({ kind: 'refused', code })
  expect(() => codec.decode(Buffer.from([0, 0, 0, id >> 8, id & 0xff, 1]))).toThrow(undecodable)
})

test('a list in several blocks, with and without their sizes, is read as one', () => {
  const codec = createDecisionCodec(ownId)
  const bytes = Buffer.from(codec.encode({ ...decision, ...ending, contacts: [] }))
  // Two contacts with the size of their block, then one without.
  const sized = [3, 20, 2, 0x6f, 2, 0x63, 4, 2, 0x70, 2, 0x63, 0]
  const blocks = Buffer.from([...sized, 2, 2, 0x71, 2, 0x63, 2, 0])
  const { contacts } = codec.decode(Buffer.concat([bytes.subarray(0, -1 - rest.length), blocks, rest]))
  expect(contacts).toEqual([
    { offer: 'o', category: 'c', class: 'marketing' },
    { offer: 'p', category: 'c', class: 'regulatory' },
    { offer: 'q', category: 'c', class: 'service' },
  ])
})

test('a list that claims more entries than it has bytes takes no memory for them', () => {
  const codec = createDecisionCodec(ownId)
  const bytes = Buffer.from(codec.encode({ ...decision, ...ending, contacts: [] }))
  // 30 million entries, as many in a block with its size, and a million: one a byte, of which each takes three.
  for (const claim of ['808ece1c', 'ff8dce1c', '80897a']) {
    const before = bytes.subarray(0, -1 - rest.length)
    const bomb = Buffer.concat([before, Buffer.from(claim, 'hex'), Buffer.alloc(1_000_000)])
    const used = process.memoryUsage().heapUsed
    expect(() => codec.decode(bomb)).toThrow(undecodable)
    expect(process.memoryUsage().heapUsed - used).toBeLessThan(40_000_000)
  }
})

test('lists that claim a billion entries are refused in no time, whoever wrote them', () => {
  const schema = own()
  const { codec } = learned({ ...schema, fields: [...schema.fields, { name: 'note', type: ['null', 'string'] }] })
  const empty = { ...decision, ...ending, offers: [], fates: [], features: [], contacts: [] }
  const bytes = Buffer.from(createDecisionCodec(ownId).encode(empty))
  const before = bytes.subarray(0, -1 - rest.length)
  const bomb = Buffer.concat([before, Buffer.from('8094ebdc03', 'hex'), Buffer.alloc(20)])
  for (const schemaId of [ownId, id]) {
    bomb.writeUInt32BE(schemaId, 1)
    const startedAt = performance.now()
    expect(() => codec.decode(bomb)).toThrow(undecodable)
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  }
})
