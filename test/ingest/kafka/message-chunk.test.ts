import fc from 'fast-check'
import type { KafkaMessage } from 'kafkajs'
import { expect, test } from 'vitest'
import { indexOfOffset, packMessages, unpackMessages } from '../../../ingest/kafka/message-chunk.ts'
import type { LogRecord } from '../../../ingest/log.ts'

const headers = fc.dictionary(fc.stringMatching(/^[a-z-]{1,8}$/), fc.string(), { maxKeys: 3 })
const records = fc.array(
  fc.record({ gap: fc.integer({ min: 1, max: 5 }), key: fc.string(), value: fc.uint8Array(), headers }),
)

function messagesOf(
  found: readonly { gap: number; key: string; value: Uint8Array; headers: Record<string, string> }[],
) {
  let offset = 9
  return found.map((one, i): KafkaMessage => {
    offset += one.gap
    const said = Object.fromEntries(Object.entries(one.headers).map(([name, value]) => [name, Buffer.from(value)]))
    const text = { timestamp: String(1_000 + i), offset: String(offset), headers: said }
    return { key: Buffer.from(one.key), value: Buffer.from(one.value), attributes: 0, ...text }
  })
}

function unpack(chunk: ReturnType<typeof packMessages>, from: number, maxBytes = 1e9, maxRecords = 1e9): LogRecord[] {
  const into: LogRecord[] = []
  unpackMessages(chunk, indexOfOffset(chunk, from), { maxBytes, maxRecords }, into)
  return into
}

test('what is packed comes out as it was, from any offset on', () => {
  fc.assert(
    fc.property(records, fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 60 }), (found, kept, from) => {
      const messages = messagesOf(found)
      const expected = messages.map((one, i) => {
        const said = found[i]?.headers ?? {}
        const record = {
          offset: Number(one.offset),
          appendTime: Number(one.timestamp),
          key: Buffer.from(found[i]?.key ?? '').toString(),
          value: Buffer.from(found[i]?.value ?? []),
        }
        return Object.keys(said).length === 0 ? record : { ...record, headers: textOf(said) }
      })
      const chunk = packMessages(messages, kept)
      expect(unpack(chunk, from)).toEqual(expected.filter((one) => one.offset >= kept && one.offset >= from))
    }),
  )
})

test('what is packed keeps nothing of the answer of the broker alive', () => {
  const answer = Buffer.alloc(1_000, 1)
  const message: KafkaMessage = {
    key: null,
    value: answer.subarray(0, 10),
    timestamp: '1',
    attributes: 0,
    offset: '0',
    headers: {},
  }
  const chunk = packMessages([message], 0)
  expect(chunk.body.buffer).not.toBe(answer.buffer)
  expect(chunk.body.buffer.byteLength).toBe(10)
})

test('absent keys and values are empty, of a repeated header the last value counts', () => {
  const said = { a: [Buffer.from('1'), Buffer.from('2')], b: 'x', c: undefined }
  const message: KafkaMessage = { key: null, value: null, timestamp: '5', attributes: 0, offset: '7', headers: said }
  expect(unpack(packMessages([message], 0), 0)).toEqual([
    { offset: 7, appendTime: 5, key: '', value: Buffer.alloc(0), headers: { a: '2', b: 'x' } },
  ])
})

test('a read stops at either limit but always brings one record', () => {
  const messages = messagesOf(
    Array.from({ length: 10 }, () => ({ gap: 1, key: 'k', value: new Uint8Array(50), headers: {} })),
  )
  const chunk = packMessages(messages, 0)
  expect(unpack(chunk, 0, 160)).toHaveLength(3)
  expect(unpack(chunk, 0, 1)).toHaveLength(1)
  expect(unpack(chunk, 0, 1e9, 7)).toHaveLength(7)
})

/** Lone surrogates do not survive UTF-8. */
function textOf(said: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(said).map(([name, value]) => [name, Buffer.from(value).toString()]))
}
