import { expect, test } from 'vitest'
import { checksOf, type Findings, isGood, reportJson } from '../../../bench/demo/report.ts'
import { createTally } from '../../../bench/demo/tally.ts'

const latency = { p50: 1, p99: 2, p999: 3, max: 4 }
const found: Findings = {
  seed: 1,
  seconds: { total: 1, day: 1 },
  sent: 100,
  received: 100,
  refusedAtTheDoor: 3,
  totals: { accepted: 90, duplicates: 5, deadLettered: 2, decisions: 0 },
  deadLetters: [
    ['too_late', 2],
    ['undecodable', 3],
  ],
  requests: { asked: 7, answered: 7 },
  tally: createTally().view(),
  decisionsHash: 'h',
  packHash: 'p',
  latency: { all: latency, events: latency, requests: latency },
  history: { kind: 'answered', decisions: 0, stops: [], forbidden: 0 },
  verdicts: [],
  example: null,
}

const failing = (changed: Partial<Findings>): readonly string[] =>
  checksOf({ ...found, ...changed }).flatMap(({ text, holds }) => (holds ? [] : [text]))

test('a run in which all adds up is good', () => {
  expect(failing({})).toEqual([])
  expect(isGood(found)).toBe(true)
  expect(reportJson(found)).toMatchObject({ deadLettered: 5, stoppedBy: {}, latencyMs: latency, ok: true })
})

test('whatever is lost is found out, and makes the run bad', () => {
  expect(failing({ sent: 101 })).toEqual(['all that was sent was received'])
  expect(failing({ totals: { ...found.totals, accepted: 89 } })).toEqual([
    'received = accepted + duplicates + dead letters',
  ])
  expect(failing({ deadLetters: [['undecodable', 3]] })).toEqual(['every dead letter is kept with its bytes'])
  expect(failing({ totals: { ...found.totals, decisions: 1 } })).toEqual([
    'every decision that was committed was published',
  ])
  expect(failing({ requests: { asked: 8, answered: 7 } })).toEqual(['every request was answered'])
  expect(failing({ history: { kind: 'answered', decisions: 1, stops: [['g', 1]], forbidden: 1 } })).toEqual([
    'SQL counts the same decisions',
    'SQL counts the same stops',
    'SQL finds no decision that the rules forbade',
  ])
  expect(isGood({ ...found, sent: 101 })).toBe(false)
})

test('a history that is not there is no fault of the run', () => {
  expect(failing({ history: { kind: 'absent', why: 'off' } })).toEqual([])
})
