/** Goal: history is asked once for what both sides ask, and whoever is behind still gets it. Method: two sides that ask in turn. */
import { expect, test } from 'vitest'
import { type RowsAnswered, SharedRows } from '../../../engine/whatif/shared-rows.ts'
import { HistoryError } from '../../../sinks/history/history.ts'

function asking(bytesEach: number, fails: () => boolean = () => false) {
  const asked: string[] = []
  const rows = new SharedRows(async (query) => {
    asked.push(query)
    if (fails()) throw new HistoryError('ClickHouse is not reachable (ECONNREFUSED)')
    return Buffer.from(new ArrayBuffer(bytesEach)).fill(asked.length)
  }, 2)
  let id = 0
  const ask = async (query: string): Promise<RowsAnswered> => {
    const { promise, resolve } = Promise.withResolvers<RowsAnswered>()
    await rows.answer({ postMessage: resolve }, { kind: 'rows', id: ++id, query, params: { p: 1 } })
    return promise
  }
  return { asked, ask }
}

test('two sides that ask the same get the same bytes, each its own, and history is asked once', async () => {
  const { asked, ask } = asking(64)
  const [one, other] = await Promise.all([ask('a'), ask('a')])
  if (one.kind !== 'rows' || other.kind !== 'rows') throw new Error('rows were asked for')
  expect(new Uint8Array(other.bytes)).toEqual(new Uint8Array(one.bytes))
  expect(one.bytes.byteLength).toBe(64)
  expect(other.bytes).not.toBe(one.bytes)
  expect([one.id, other.id]).toEqual([1, 2])
  expect(asked).toEqual(['a'])
  await ask('a')
  expect(asked).toEqual(['a', 'a'])
})

test('what lies too long for a side that is behind is asked for again', async () => {
  const { asked, ask } = asking(100 * 2 ** 20)
  for (const query of ['a', 'b', 'c']) await ask(query)
  expect((await ask('a')).kind).toBe('rows')
  expect((await ask('c')).kind).toBe('rows')
  expect(asked).toEqual(['a', 'b', 'c', 'a'])
})

test('why history did not answer is told, and the next one who asks asks anew', async () => {
  let fails = true
  const { asked, ask } = asking(64, () => fails)
  expect(await ask('a')).toEqual({ kind: 'no_rows', id: 1, sentence: 'ClickHouse is not reachable (ECONNREFUSED)' })
  fails = false
  expect((await ask('a')).kind).toBe('rows')
  expect(asked).toEqual(['a', 'a'])
})
