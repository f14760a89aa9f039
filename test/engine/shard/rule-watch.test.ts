/** Goal: what loops or keeps throwing is told from what works, waits or stands still. Method: clocks in the hand, a board in memory. */
import { expect, test } from 'vitest'
import { wallClock } from '../../../engine/clock.ts'
import { RuleBoard } from '../../../engine/shard/rule-board.ts'
import { RuleWatch, throwsMax, throwsWithinMs, type WatchNews } from '../../../engine/shard/rule-watch.ts'
import { lookEveryMs, StallDetector } from '../../../engine/shard/stall-detector.ts'
import { ruleNames } from '../../../rules/rule-names.ts'
import { loadBank } from '../step/bank-pack.ts'

const { model } = await loadBank()
const names = ruleNames(model)
const guardrail = 'guardrail:quiet-in-mourning'
const number = names.indexOf(guardrail) + 1
const limitMs = 2_000

/** Looks at one shard again and again; `each` says how much time passes before the next look. Told by which look it was stalled. */
function looksUntilStalled(
  each: (look: number) => {
    readonly elapsedMs: number
    readonly cpuMs: number
    readonly isBusy?: boolean
    readonly beats?: number
  },
  most = 200,
): number | null {
  const detector = new StallDetector(limitMs)
  const now = { elapsedMs: 0, cpuMs: 0 }
  for (let look = 1; look <= most; look++) {
    const { elapsedMs, cpuMs, isBusy = true, beats = 7 } = each(look)
    now.elapsedMs += elapsedMs
    now.cpuMs += cpuMs
    if (detector.look([{ isBusy, beats }], { ...now }).length > 0) return look
  }
  return null
}

test('a shard that computes at one input for the limit is stalled, not before', () => {
  const look = looksUntilStalled(() => ({ elapsedMs: lookEveryMs, cpuMs: lookEveryMs }))
  expect(look).toBe(1 + limitMs / lookEveryMs)
})

test('a batch that is long and gets on, and a shard that has nothing to do, are not stalled', () => {
  const cpu = { elapsedMs: lookEveryMs, cpuMs: lookEveryMs }
  expect(looksUntilStalled((look) => ({ ...cpu, beats: look % 9 === 0 ? look : look - (look % 9) }))).toBe(null)
  expect(looksUntilStalled(() => ({ ...cpu, isBusy: false }))).toBe(null)
})

test('a process that was stopped, a suspended machine, a thread in a debugger and a machine without time are no stall', () => {
  // Half an hour passes on the clock, and the process computes nothing.
  expect(looksUntilStalled(() => ({ elapsedMs: 1_800_000, cpuMs: 0 }))).toBe(null)
  // What a look comes late by is no time that the shard had, however much was computed since.
  expect(looksUntilStalled((look) => ({ elapsedMs: 60_000, cpuMs: 60_000, isBusy: look < 5 }))).toBe(null)
  expect(looksUntilStalled(() => ({ elapsedMs: lookEveryMs, cpuMs: 4 }))).toBe(null)
})

function watch({ stallMs = limitMs } = {}) {
  let elapsed = 1_000
  const news: WatchNews[] = []
  const replaced: number[] = []
  const one = new RuleWatch({
    model,
    shards: 2,
    stallMs,
    clock: wallClock,
    timing: { elapsed: () => elapsed, sleep: async () => {}, after: () => () => {}, soon: () => {} },
    cpuMs: () => elapsed,
    tell: (what) => void news.push(what),
  })
  const board = new RuleBoard(one.buffer)
  one.attach([0, 1].map((shard) => ({ replace: () => void replaced.push(shard) })))
  const pass = (ms: number): void => {
    for (let left = ms; left > 0; left -= lookEveryMs) {
      elapsed += Math.min(left, lookEveryMs)
      one.look()
    }
  }
  return { one, board, news, replaced, pass }
}

test('a rule that throws often within the time is quarantined, one that throws now and then is not', () => {
  const { one, board, pass, news } = watch()
  for (let i = 0; i < throwsMax - 1; i++) board.threw(number)
  pass(lookEveryMs)
  pass(throwsWithinMs + lookEveryMs)
  for (let i = 0; i < throwsMax - 1; i++) board.threw(number)
  pass(lookEveryMs)
  expect(one.quarantined).toEqual([])
  board.threw(number)
  pass(lookEveryMs)
  expect(one.quarantined.map(({ rule, why }) => `${rule} ${why}`)).toEqual([`${guardrail} threw`])
  expect(one.throws).toEqual(new Map([[guardrail, 2 * throwsMax - 1]]))
  expect(board.isQuarantined(number)).toBe(true)
  expect(board.isQuarantined(number + 1)).toBe(false)
  expect(news).toEqual([{ kind: 'quarantined', rule: guardrail, why: 'threw' }])
})

test('a rule that was put back into service is counted from then on', () => {
  const { one, board, pass } = watch()
  for (let i = 0; i < throwsMax; i++) board.threw(number)
  pass(lookEveryMs)
  const { edition } = board
  expect([one.lift('guardrail:nobody-knows'), one.lift(guardrail), one.lift(guardrail)]).toEqual([false, true, false])
  expect(board.isQuarantined(number)).toBe(false)
  expect(board.edition).not.toBe(edition)
  for (let i = 0; i < throwsMax - 1; i++) board.threw(number)
  pass(lookEveryMs)
  expect(one.quarantined).toEqual([])
  board.threw(number)
  pass(lookEveryMs)
  expect(one.quarantined).toHaveLength(1)
})

test('the rule at which a shard stalls is quarantined, and that shard alone is begun anew', () => {
  const { one, board, pass, news, replaced } = watch()
  const mark = board.markOf(1)
  mark.begin(3)
  mark.event(42)
  mark.asked[0] = number
  pass(limitMs + 2 * lookEveryMs)
  expect(one.quarantined).toMatchObject([{ rule: guardrail, why: 'looped' }])
  expect(replaced).toEqual([1])
  expect(one.replaced).toBe(1)
  expect(news).toContainEqual({ kind: 'replaced', shard: 1, partition: 3, rule: guardrail })
  expect([...board.poisoned(3)]).toEqual([])
  expect(board.work(1).isBusy).toBe(false)
})

test('an event at which a shard stalls twice for no reason that can be told is poison, another one is not', () => {
  const { board, pass, news, replaced } = watch()
  const offset = 5 * 2 ** 32 + 17
  const stall = (at: number): void => {
    const mark = board.markOf(0)
    mark.begin(2)
    mark.event(at)
    pass(limitMs + 2 * lookEveryMs)
  }
  stall(offset)
  stall(offset + 1)
  expect([...board.poisoned(2)]).toEqual([])
  stall(offset)
  expect([...board.poisoned(2)]).toEqual([offset])
  expect([...board.poisoned(1)]).toEqual([])
  expect(replaced).toEqual([0, 0, 0])
  expect(news.filter(({ kind }) => kind === 'poisoned')).toEqual([{ kind: 'poisoned', partition: 2, offset }])
})

test('a live request at which a shard stalls poisons no event', () => {
  const { board, pass, news } = watch()
  for (let i = 0; i < 3; i++) {
    const mark = board.markOf(0)
    mark.begin(2)
    mark.event(8)
    mark.other()
    pass(limitMs + 2 * lookEveryMs)
  }
  expect([...board.poisoned(2)]).toEqual([])
  expect(news.map(({ kind }) => kind)).toEqual(['replaced', 'replaced', 'replaced'])
})

test('a limit of zero ends no thread', () => {
  const { board, pass, replaced } = watch({ stallMs: 0 })
  board.markOf(0).begin(1)
  pass(60_000)
  expect(replaced).toEqual([])
})

test('only the last poisoned events are remembered', () => {
  const board = new RuleBoard(RuleBoard.make(names.length, 1))
  for (let offset = 0; offset < 300; offset++) board.poison(0, offset)
  expect(board.poisoned(0).size).toBe(256)
  expect(board.poisoned(0).has(43)).toBe(false)
  expect(board.poisoned(0).has(299)).toBe(true)
})
