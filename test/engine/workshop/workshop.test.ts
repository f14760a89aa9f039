import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import { checkReport, testReport } from '../../../engine/workshop/pack-report.ts'
import { openWorkshop, type Workshop, type WorkshopLimits, workshopLimits } from '../../../engine/workshop/workshop.ts'
import { loadPack, loadPackFiles } from '../../../rules/load-pack.ts'
import { type PackFiles, packFilesOf } from '../../../rules/pack-texts.ts'
import { largePack } from './large-pack.ts'

// The thread has a low claim to the processor and begins anew in every test: it waits for all else that a busy machine does.
vi.setConfig({ testTimeout: 120_000 })

let files: PackFiles
beforeAll(async () => {
  files = await packFilesOf('rules/packs/retail-bank', [])
})

const opened: Workshop[] = []
afterEach(() => Promise.all(opened.splice(0).map((workshop) => workshop.stop())))

function workshop(limits: Partial<WorkshopLimits> = {}): Workshop {
  const made = openWorkshop(Date.now, { ...workshopLimits, ...limits })
  opened.push(made)
  return made
}

const bodyOf = (value: unknown) => ({ kind: 'body' as const, body: Buffer.from(JSON.stringify(value)) })

test('a check there says what a check here says', async () => {
  const answer = await workshop().check(bodyOf({ files }))
  expect(answer).toEqual({
    kind: 'worked',
    value: { kind: 'done', why: null, result: checkReport(loadPackFiles(files, Date.now())) },
  })
})

test('a mistake is told with its file and line', async () => {
  const wrong = { ...files, 'offers.yaml': 'offers: [' }
  expect(await workshop().check({ kind: 'files', files: wrong })).toMatchObject({
    value: { result: { kind: 'refused', problems: [{ file: 'offers.yaml', code: 'yaml_invalid' }] } },
  })
})

test('scenarios there come out as here, all or those that are meant', async () => {
  const bench = workshop()
  const all = await bench.test(bodyOf({ files }))
  // How long each took is the machine's.
  const timeless = (value: unknown) => JSON.stringify(value).replaceAll(/"ms":[0-9.]+/g, '')
  expect(timeless(all)).toBe(
    timeless({ kind: 'worked', value: { kind: 'done', result: await testReport(files, null), why: null } }),
  )
  expect(await bench.test(bodyOf({ files, filter: 'no such scenario' }))).toMatchObject({
    value: { result: { passed: 0, failed: 0, scenarios: [] } },
  })
})

test('a version is prepared with all that is kept of it', async () => {
  const loaded = await loadPack('rules/packs/retail-bank')
  if (loaded.kind !== 'ok') throw new Error('the sample pack is sound')
  const before = JSON.stringify({ ...loaded.pack.model, offers: loaded.pack.model.offers.slice(1) })
  const prepared = await workshop().prepare(bodyOf({ files, why: 'a test' }), before)
  const [added] = loaded.pack.model.offers
  expect(prepared).toMatchObject({
    value: {
      why: 'a test',
      result: {
        kind: 'ready',
        hash: loaded.pack.hash,
        model: JSON.stringify(loaded.pack.model),
        changes: [{ kind: 'offer', id: added?.id, change: 'added' }],
      },
    },
  })
  if (prepared.kind !== 'worked' || prepared.value.kind !== 'done' || prepared.value.result.kind !== 'ready') return
  expect(JSON.parse(prepared.value.result.files)).toEqual(files)
})

test('a version that cannot be compared with what is in force is for compliance', async () => {
  expect(await workshop().prepare(bodyOf({ files, why: 'a test' }), null)).toMatchObject({
    value: { result: { kind: 'ready', changes: [{ kind: 'pack', compliance: expect.any(String) }] } },
  })
})

test('a pack with a guardrail that no scenario meets is not prepared', async () => {
  const few = Object.fromEntries(
    Object.entries(files).filter(([name]) => !name.startsWith('scenarios/') || name === 'scenarios/welcome.yaml'),
  )
  expect(await workshop().prepare(bodyOf({ files: few }), null)).toMatchObject({
    value: { result: { kind: 'test_failed', report: { failed: 0, coverage: { judged: true } } } },
  })
})

test('a pack whose scenario fails is not prepared', async () => {
  const wrong = { ...files }
  for (const [name, text] of Object.entries(files))
    if (name.startsWith('scenarios/')) wrong[name] = text.replaceAll(/reason: \w+/g, 'reason: no_consent')
  expect(await workshop().prepare(bodyOf({ files: wrong }), null)).toMatchObject({
    value: { kind: 'done', result: { kind: 'test_failed' } },
  })
})

test.each([
  ['no JSON', Buffer.from('{')],
  ['no files', Buffer.from('{}')],
  ['a file that is no text', Buffer.from('{"files":{"pack.yaml":1}}')],
  ['something else beside them', Buffer.from('{"files":{},"author":"x"}')],
])('a body with %s is refused', async (_, body) => {
  expect(await workshop().check({ kind: 'body', body })).toMatchObject({ value: { kind: 'body_invalid' } })
})

test('more work than may wait is told that the workshop is busy, and nothing else is lost', async () => {
  const bench = workshop({ waitingMax: 1 })
  const asked = await Promise.all(Array.from({ length: 4 }, () => bench.check({ kind: 'files', files })))
  const kinds = asked.map(({ kind }) => kind)
  expect(kinds).toEqual(['worked', 'worked', 'busy', 'busy'])
})

test('what takes too long is ended, and the next piece of work is done', async () => {
  const impatient = workshop({ withinMs: 30 })
  expect(await impatient.check({ kind: 'files', files })).toEqual({ kind: 'too_long' })
  const bench = workshop()
  const [first, second] = [bench.check({ kind: 'files', files }), bench.test({ kind: 'files', files })]
  expect([(await first).kind, (await second).kind]).toEqual(['worked', 'worked'])
})

test('what needs more memory than there is fails alone', async () => {
  const small = workshop({ memoryMb: 64 })
  expect(await small.check({ kind: 'files', files: largePack(files, 10_000) })).toEqual({ kind: 'too_large' })
  expect(await small.check({ kind: 'files', files })).toMatchObject({ kind: 'worked' })
})

test('when the engine stops, what is asked is told so at once', async () => {
  const bench = workshop()
  const asked = bench.test({ kind: 'files', files })
  await bench.stop()
  expect(await asked).toEqual({ kind: 'stopping' })
  expect(await bench.check({ kind: 'files', files })).toEqual({ kind: 'stopping' })
})
