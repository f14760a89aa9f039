import fc from 'fast-check'
import { Temporal } from 'temporal-polyfill'
import { expect, test } from 'vitest'
import { Ages } from '../../../engine/state/age.ts'
import { Calendar } from '../../../engine/state/calendar.ts'

const agesOf = (zone: string) => new Ages(zone, new Calendar(zone))
const startOf = (date: string, zone: string) => Temporal.PlainDate.from(date).toZonedDateTime(zone).epochMilliseconds

test.each([
  ['the day before the birthday', '2008-03-25', '2026-03-24T23:59:59.999', 17],
  ['from the first instant of the birthday', '2008-03-25', '2026-03-25T00:00', 18],
  ['born on a leap day: not on 28 February of a common year', '2008-02-29', '2026-02-28T23:59', 17],
  ['born on a leap day: on 1 March of a common year', '2008-02-29', '2026-03-01T00:00', 18],
  ['born on a leap day: on the leap day', '2008-02-29', '2028-02-29T00:00', 20],
  ['born today', '2026-03-25', '2026-03-25T12:00', 0],
  ['to be born tomorrow', '2026-03-26', '2026-03-25T12:00', -1],
  ['born before the epoch', '1931-12-31', '2026-12-31T00:00', 95],
])('%s', (_, birth, now, age) => {
  for (const zone of ['Asia/Shanghai', 'UTC', 'America/New_York', 'Europe/Berlin']) {
    const at = Temporal.PlainDateTime.from(now).toZonedDateTime(zone).epochMilliseconds
    expect(agesOf(zone).years(startOf(birth, zone), at)).toBe(age)
  }
})

const dates = fc
  .integer({ min: Date.UTC(1905, 0, 1) / 86_400_000, max: Date.UTC(2030, 0, 1) / 86_400_000 })
  .map((days) => Temporal.PlainDate.from('1970-01-01').add({ days }))

test("the age is the calendar's, whatever the clocks of the zone were in the year of birth", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(
        'Asia/Shanghai',
        'UTC',
        'America/New_York',
        'Europe/Berlin',
        'Pacific/Auckland',
        'Asia/Kathmandu',
      ),
      dates,
      fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2031, 0, 1) }),
      (zone, birth, now) => {
        const today = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(zone).toPlainDate()
        const years = agesOf(zone).years(birth.toZonedDateTime(zone).epochMilliseconds, now)
        const birthday = (age: number) =>
          birth.monthCode === 'M02' && birth.day === 29 && !birth.add({ years: age }).inLeapYear
            ? Temporal.PlainDate.from({ year: birth.year + age, month: 3, day: 1 })
            : birth.add({ years: age })
        expect(Temporal.PlainDate.compare(birthday(years), today)).toBeLessThanOrEqual(0)
        expect(Temporal.PlainDate.compare(birthday(years + 1), today)).toBeGreaterThan(0)
      },
    ),
    { numRuns: 500 },
  )
})

test('an instant up to half a day beside the start of the day is of that day; later ones make younger, never older', () => {
  const zone = 'Asia/Shanghai'
  const ages = agesOf(zone)
  const birth = startOf('2008-03-25', zone)
  const eve = startOf('2026-03-24', zone)
  const birthday = startOf('2026-03-25', zone)
  for (const beside of [-11, -1, 0, 1, 8, 11]) {
    expect(ages.years(birth + beside * 3_600_000, eve)).toBe(17)
    expect(ages.years(birth + beside * 3_600_000, birthday)).toBe(18)
  }
  expect(ages.years(birth + 13 * 3_600_000, birthday)).toBe(17)
})
