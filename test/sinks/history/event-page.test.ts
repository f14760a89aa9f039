/** Goal: a page gives the records of the log in its order, what could not be decoded among them. Method: rows as ClickHouse writes them. */
import { expect, test } from 'vitest'
import { EventPage, type KeptEvent } from '../../../sinks/history/record-rows.ts'

/** A row in RowBinary. */
function row(offset: number, record: string): Buffer {
  const head = Buffer.alloc(17)
  head.writeBigUInt64LE(BigInt(offset), 0)
  head.writeBigUInt64LE(BigInt(1_000 + offset), 8)
  head.writeUInt8(offset % 2, 16)
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)])
  return Buffer.concat([head, text(`C${offset}`), text(record)])
}

function broken(offset: number): KeptEvent {
  return { offset, appendTime: 1_000 + offset, trusted: false, key: '', value: new Uint8Array(0) }
}

function taken(page: EventPage): readonly KeptEvent[] {
  const all: KeptEvent[] = []
  while (page.offset !== Number.POSITIVE_INFINITY) {
    const { offset } = page
    const one = page.take()
    expect(one.offset).toBe(offset)
    all.push(one)
  }
  return all
}

test('rows come as they are, each told before it is taken', () => {
  const page = new EventPage(Buffer.concat([row(3, 'three'), row(4, 'four')]), [], 10)
  expect(page).toMatchObject({ count: 2, last: 4, offset: 3 })
  expect([...page.values()].map(String)).toEqual([Buffer.from('three').toString(), Buffer.from('four').toString()])
  const [first, second] = taken(page)
  expect(first).toMatchObject({ offset: 3, appendTime: 1_003, trusted: true, key: 'C3' })
  expect(Buffer.from(second?.value ?? []).toString()).toBe('four')
  expect(second?.trusted).toBe(false)
  expect(() => page.take()).toThrow(RangeError)
})

test('what could not be decoded stands where it stood, before, between and behind', () => {
  const page = new EventPage(Buffer.concat([row(3, 'a'), row(7, 'b')]), [broken(1), broken(5), broken(9)], 10)
  expect(page).toMatchObject({ count: 5, last: 9 })
  expect(taken(page).map(({ offset, value }) => [offset, value.length])).toEqual([
    [1, 0],
    [3, 1],
    [5, 0],
    [7, 1],
    [9, 0],
  ])
})

test('a page is no longer than its limit, and ends at the offset it says', () => {
  const page = new EventPage(Buffer.concat([row(3, 'a'), row(7, 'b')]), [broken(1), broken(5)], 3)
  expect(page).toMatchObject({ count: 3, last: 5 })
  expect(taken(page).map(({ offset }) => offset)).toEqual([1, 3, 5])
})

test('an empty page has nothing', () => {
  expect(new EventPage(Buffer.alloc(0), [], 3)).toMatchObject({ count: 0, last: -1, offset: Number.POSITIVE_INFINITY })
})
