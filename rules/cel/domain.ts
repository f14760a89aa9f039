/** Sets of values, as conjunctions of comparisons cut them out of a variable. */

/** A stretch of numbers from `low` to `high`; `lowOpen` and `highOpen` leave the end itself out. */
export type Range = {
  readonly low: number
  readonly high: number
  readonly lowOpen: boolean
  readonly highOpen: boolean
}

/** Numbers: disjoint ranges, ascending. Strings: the listed ones, or all but the listed ones. Empty: no value fits. */
export type Domain =
  | { readonly kind: 'numbers'; readonly ranges: readonly Range[] }
  | { readonly kind: 'strings'; readonly values: readonly string[]; readonly except: boolean }

/** All numbers. */
export const everyNumber: Domain = {
  kind: 'numbers',
  ranges: [{ low: -Infinity, high: Infinity, lowOpen: true, highOpen: true }],
}

/** The whole numbers of the ranges: an open end at 3 of an int means 4 or 2, an end at 2.5 means 3 or 2. */
export function wholeNumbers(domain: Domain): Domain {
  if (domain.kind === 'strings') return domain
  const ranges = domain.ranges.map(({ low, high, lowOpen, highOpen }) => ({
    low: lowOpen && Number.isInteger(low) ? low + 1 : Math.ceil(low),
    high: highOpen && Number.isInteger(high) ? high - 1 : Math.floor(high),
    lowOpen: !Number.isFinite(low),
    highOpen: !Number.isFinite(high),
  }))
  const merged: Range[] = []
  for (const range of ranges) {
    const last = merged.at(-1)
    if (emptyRange(range)) continue
    if (last !== undefined && range.low <= last.high + 1)
      merged[merged.length - 1] = { ...range, low: last.low, lowOpen: last.lowOpen }
    else merged.push(range)
  }
  return { kind: 'numbers', ranges: merged }
}

/** Values in both. */
export function intersection(a: Domain, b: Domain): Domain {
  if (a.kind === 'strings') return b.kind === 'strings' ? commonStrings(a, b) : { kind: 'numbers', ranges: [] }
  if (b.kind === 'strings') return { kind: 'numbers', ranges: [] }
  const ranges: Range[] = []
  for (const one of a.ranges) {
    for (const other of b.ranges) {
      const range = commonRange(one, other)
      if (!emptyRange(range)) ranges.push(range)
    }
  }
  return { kind: 'numbers', ranges: ranges.sort((one, other) => one.low - other.low) }
}

/** Whether no value fits. */
export function isEmpty(domain: Domain): boolean {
  return domain.kind === 'numbers' ? domain.ranges.length === 0 : !domain.except && domain.values.length === 0
}

/** Whether every value of `a` is one of `b`. */
export function isWithin(a: Domain, b: Domain): boolean {
  if (a.kind === 'strings' && b.kind === 'strings') {
    if (a.except) return b.except && b.values.every((value) => a.values.includes(value))
    return a.values.every((value) => b.values.includes(value) !== b.except)
  }
  if (a.kind !== 'numbers' || b.kind !== 'numbers') return false
  return a.ranges.every((range) => b.ranges.some((other) => rangeWithin(range, other)))
}

function commonStrings(a: Domain & { kind: 'strings' }, b: Domain & { kind: 'strings' }): Domain {
  if (a.except && b.except) return { kind: 'strings', values: [...new Set([...a.values, ...b.values])], except: true }
  const [listed, other] = a.except ? [b, a] : [a, b]
  const values = listed.values.filter((value) => other.values.includes(value) !== other.except)
  return { kind: 'strings', values, except: false }
}

function commonRange(a: Range, b: Range): Range {
  const low = Math.max(a.low, b.low)
  const high = Math.min(a.high, b.high)
  const lowOpen = (a.low === low && a.lowOpen) || (b.low === low && b.lowOpen)
  const highOpen = (a.high === high && a.highOpen) || (b.high === high && b.highOpen)
  return { low, high, lowOpen, highOpen }
}

function emptyRange({ low, high, lowOpen, highOpen }: Range): boolean {
  return low > high || (low === high && (lowOpen || highOpen))
}

function rangeWithin(a: Range, b: Range): boolean {
  const low = a.low > b.low || (a.low === b.low && (a.lowOpen || !b.lowOpen))
  const high = a.high < b.high || (a.high === b.high && (a.highOpen || !b.highOpen))
  return low && high
}
