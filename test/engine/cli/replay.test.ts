/** `proffer replay` as it prints what the engine found: goal, a person reads sentences and a script the right exit code. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type json, problem } from '../../../engine/api/http.ts'
import type { Client, ClientReply } from '../../../engine/cli/client.ts'
import { replayDecision, replaySpan } from '../../../engine/cli/replay.ts'
import { deviationSentence, holeSentence } from '../../../engine/replay/replay-words.ts'

let out = ''
let err = ''
beforeEach(() => {
  ;[out, err] = ['', '']
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
})

const asReply = ({ status, body }: ReturnType<typeof json>): ClientReply => ({ status, body: JSON.parse(body) })

/** An engine that answers everything alike; `paths` tells what it was asked. */
function engineOf(reply: ClientReply): Client & { readonly paths: string[] } {
  const paths: string[] = []
  const answer = async (path: string) => {
    paths.push(path)
    return reply
  }
  return { get: answer, post: answer, paths }
}

const nothing = { node_fallback: 0, commit_lost: 0, hole: 0 }
const report = {
  state: 'done',
  from: Date.UTC(2026, 10, 24, 16),
  to: Date.UTC(2026, 10, 25, 16),
  problem: null,
  equal: 0,
  different: 0,
  incomparable: nothing,
  deviations: [],
  holes: [],
}
const never = new AbortController().signal
const hole = { kind: 'pack_not_kept', partition: 5, hash: 'ab12' } as const
const said = { ...hole, sentence: holeSentence(hole) }

test.each([
  ['all is equal', { ...report, equal: 3 }, 0, '3 decisions are equal'],
  ['nobody decided then', report, 0, 'No decision from 2026-11-24T16:00:00.000Z to 2026-11-25T16:00:00.000Z was'],
  [
    'nothing could be compared',
    { ...report, holes: [said] },
    1,
    'The pack or learned table ab12 of partition 5 is not',
  ],
  ['some could be compared', { ...report, equal: 2, holes: [said] }, 0, 'The pack or learned table ab12'],
])('a day of which %s', async (_, body, code, text) => {
  const engine = engineOf({ status: 200, body })
  expect(await replaySpan(engine, { query: 'day=2026-11-25', json: false, signal: never })).toBe(code)
  expect(out).toContain(text)
  expect(out).not.toContain('{')
})

test('what differs is told in words', async () => {
  const one = { id: 'e0d9', why: null, difference: { field: 'fates.2.score', left: 1, replayed: 2 } }
  const deviations = [{ ...one, sentence: deviationSentence(one) }]
  const body = { ...report, different: 1, deviations }
  expect(await replaySpan(engineOf({ status: 200, body }), { query: '', json: false, signal: never })).toBe(1)
  expect(out).toContain('Decision e0d9 differs at fates.2.score: 1 left, 2 was computed.')
})

test('Ctrl-C halts it on the engine, with the exit code of a stop', async () => {
  const engine = engineOf({ status: 200, body: { ...report, state: 'running', through: 0, partitions: 8, batches: 0 } })
  expect(await replaySpan(engine, { query: '', json: false, signal: AbortSignal.abort() })).toBe(130)
  expect(engine.paths.at(-1)).toBe('/v1/replays/halt')
  expect(err).toContain('Halted.')
})

test('a decision that history does not have is asked for a while, then told once and plainly', {
  timeout: 60_000,
}, async () => {
  const engine = engineOf(asReply(problem('decision_unknown', 'History lags by about a second: ask again.')))
  expect(await replayDecision(engine, '0'.repeat(32), false)).toBe(1)
  expect(engine.paths.length).toBeGreaterThan(1)
  expect(err).toMatch(/^The decision is not in the history: check the id\./)
  expect(err).not.toContain('ask again')
})
