import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { textRecord } from '../../../../engine/store/backup/backup-record.ts'
import { dueByPartition, dueInstantOf, dueRecord } from '../../../../engine/store/backup/due-records.ts'

test('every entry of the due index comes back from its record, and so does that there is none', () => {
  fc.assert(
    fc.property(fc.oneof(fc.constant(0), fc.maxSafeNat()), (at) => {
      expect(dueInstantOf(dueRecord(3, { customerId: 'C1', at }))).toBe(at)
    }),
  )
})

test.each(['', '-1', '1.5', '1e3', '01', 'NaN', 'Infinity', '9007199254740993', '0x10', ' 5'])(
  'a record that says %j instead of an instant is refused as damaged',
  (text) => {
    expect(() => dueInstantOf(textRecord('due', 'C1', text, 3))).toThrow(
      expect.objectContaining({ code: 'backup_damaged' }),
    )
  },
)

test('of several records of a customer the last counts, in each partition for itself', () => {
  const records = [
    dueRecord(0, { customerId: 'a', at: 5 }),
    dueRecord(1, { customerId: 'a', at: 6 }),
    textRecord('tombstone', 'a', '7', 0),
    dueRecord(0, { customerId: 'b', at: 8 }),
    dueRecord(0, { customerId: 'a', at: 0 }),
  ]
  expect(dueByPartition(records)).toEqual(
    new Map([
      [
        0,
        new Map([
          ['a', 0],
          ['b', 8],
        ]),
      ],
      [1, new Map([['a', 6]])],
    ]),
  )
})
