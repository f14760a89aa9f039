/** The files of the Open Bandit Dataset are read where they are, and where they are not it is said what to do. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readOpenBandit } from '../../../bench/off-policy/open-bandit-data.ts'

const header = ',timestamp,item_id,position,click,propensity_score,user_feature_0,user-item_affinity_0'
const rows = [
  header,
  '0,2019-11-24 00:03:13.44+00:00,14,3,0,0.25,cef3,0.0',
  '1,2019-11-24 00:03:36.70+00:00,2,1,1,0.5,7bc9,0.0',
]

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-obd-'))
})
afterEach(() => rm(dir, { recursive: true }))

async function put(name: string, text: string): Promise<void> {
  const file = join(dir, name)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, name.endsWith('.gz') ? gzipSync(text) : text)
}

test.each([
  ['as it is published', 'random/men/men.csv', 'bts/men/men.csv'],
  ['in one folder', 'random-men.csv', 'bts-men.csv'],
  ['packed', 'random-men.csv.gz', 'bts/men/men.csv.gz'],
])('a campaign is read %s', async (_, random, bts) => {
  await put(random, rows.join('\n'))
  await put(bts, `${rows.slice(0, 2).join('\r\n')}\r\n`)
  const first = { item: 14, position: 3, clicked: false, propensity: 0.25 }
  expect(await readOpenBandit(dir, 'men')).toEqual({
    kind: 'found',
    logs: { random: [first, { item: 2, position: 1, clicked: true, propensity: 0.5 }], bts: [first] },
  })
})

test('a log that is not there is said to be missing, with the places that were looked at', async () => {
  await put('random-men.csv', rows.join('\n'))
  const data = await readOpenBandit(dir, 'men')
  expect(data.kind).toBe('missing')
  expect(data.kind === 'missing' && data.looked).toContain(join(dir, 'bts/men/men.csv'))
  expect((await readOpenBandit(dir, 'women')).kind).toBe('missing')
})

test.each([
  ['a column is missing', [',timestamp,item_id,position,click', '0,t,1,1,0'], 'no column propensity_score'],
  ['a propensity is none', [header, '0,t,1,1,0,0,c,0.0'], 'row 1: propensity_score'],
  ['a row is cut', [...rows, '2,t,1'], 'row 3: position'],
])('a file in which %s is refused', async (_, lines, why) => {
  await put('random-men.csv', lines.join('\n'))
  await put('bts-men.csv', rows.join('\n'))
  await expect(readOpenBandit(dir, 'men')).rejects.toThrow(why)
})

test('the benchmark without data says what to get and where to put it, and that nothing was measured', () => {
  const run = spawnSync(process.execPath, ['bench/main.ts', 'off-policy', '--data', dir], { encoding: 'utf8' })
  expect(run.status).toBe(1)
  expect(run.stderr).toContain('Open Bandit Dataset')
  expect(run.stderr).toContain(join(dir, 'random/men/men.csv'))
  expect(run.stderr).toMatch(/Nothing was measured\.\n$/)
})

test('the benchmark ends with its result as one JSON object', async () => {
  const many = Array.from(
    { length: 300 },
    (_, i) => `${i},t,${i % 3},${1 + (i % 3)},${i % 10 === 0 ? 1 : 0},0.25,c,0.0`,
  )
  await put('random-men.csv.gz', [header, ...many].join('\n'))
  await put('bts-men.csv.gz', [header, ...many].join('\n'))
  const words = ['bench/main.ts', 'off-policy', '--data', dir, '--resamples=50', '--json']
  const lines = execFileSync(process.execPath, words, { encoding: 'utf8' }).trim().split('\n')
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
    name: 'off-policy',
    ratios: { 'clicks of bts, of random': 1 },
  })
  expect(lines.join('\n')).toContain('self-normalised')
}, 60_000)
