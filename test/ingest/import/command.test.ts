import { expect, test } from 'vitest'
import { progressText } from '../../../ingest/import/command.ts'
import { freshDirectory, runSample, sampleEngine, writeFiles } from './import-rig.ts'

const mapping = `name: sample
input: { format: csv }
zone: UTC
event: { id: 'n-{id}', source: web, customerId: 'c-{id}' }
time: { constant: '2024-01-01T00:00:00Z' }
cases:
  - type: page.viewed
    data: { page: { constant: home }, pageGroup: { constant: home }, dwellMs: { column: id } }
`

function sample(rows: number): { file: string; mapping: string } {
  const ids = Array.from({ length: rows }, (_, i) => `${i}`)
  const path = writeFiles({ 'rows.csv': ['id', ...ids, ''].join('\n'), 'm.yaml': mapping })
  return { file: path('rows.csv'), mapping: path('m.yaml') }
}

test('progress is one line, drawn at most once a second and wiped at the end', async () => {
  const written: string[] = []
  let now = 0
  // A clock that moves 400 ms each time it is read: every third batch is a second later.
  const progress = { write: (text: string) => written.push(text), now: () => (now += 400) }
  await runSample([sample(5000)], freshDirectory(), sampleEngine().submit, { progress })
  const drawn = written.slice(0, -1)
  expect(drawn.length).toBeGreaterThan(3)
  expect(drawn.length).toBeLessThan(now / 1000 + 1)
  expect(drawn.every((text) => text.startsWith('\r\u001b[K[') && !text.includes('\n'))).toBe(true)
  expect(written.at(-1)).toBe('\r\u001b[K')
})

test('the progress line says how far the file is read and what became of the rows', () => {
  const state = { rows: 10, accepted: 5, rejected: 1, duplicates: 2, bytesRead: 50, bytesTotal: 100 }
  expect(progressText(state)).toBe('[##########..........] 10 rows read, 8 done: 5 accepted, 2 duplicate, 1 rejected')
})

test('a wrong mapping is refused with its file and line before anything is read', async () => {
  const right = sample(1)
  const path = writeFiles({ 'wrong.yaml': mapping.replace('zone: UTC', 'zone: Nowhere') })
  const result = await runSample(
    [right, { ...right, mapping: path('wrong.yaml') }],
    freshDirectory(),
    sampleEngine().submit,
  )
  expect(result).toEqual({
    kind: 'refused',
    problems: [{ code: 'wrong', file: 'wrong.yaml', line: 3, reason: 'zone: is not an IANA zone' }],
  })
})

test('when the engine fails the import fails, and what was taken before stays taken', async () => {
  const inputs = [sample(1200)]
  const directory = freshDirectory()
  const engine = sampleEngine()
  let calls = 0
  const failing: typeof engine.submit = async (events) => {
    if (++calls === 2) throw new Error('the log is full')
    return engine.submit(events)
  }
  await expect(runSample(inputs, directory, failing)).rejects.toThrow('the log is full')
  const again = await runSample(inputs, directory, engine.submit)
  expect(again).toMatchObject({ summary: { accepted: 700, duplicates: 500 } })
  expect(engine.events).toHaveLength(1200)
})
