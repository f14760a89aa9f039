/** The command line as a person meets it: real processes, real folders. */
import { spawn, spawnSync } from 'node:child_process'
import { appendFileSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type RunningEngine, repayment, runEngine } from './running-engine.ts'

const folder = mkdtempSync(join(tmpdir(), 'proffer-cli-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function proffer(words: readonly string[], settings: Record<string, string> = {}) {
  const run = spawnSync(process.execPath, ['engine/main.ts', ...words], {
    encoding: 'utf8',
    env: { ...process.env, CACHE_MB: '32', SHARD_MODE: 'inline', ...settings },
  })
  return { code: run.status, out: run.stdout, err: run.stderr }
}

describe('help and misuse', () => {
  test.each([
    'serve',
    'import',
    'check',
    'test',
    'config',
    'init',
    'inspect',
    'explain',
    'tail',
    'sql',
    'report',
    'learn',
    'partitions',
    'stock',
    'backfill',
    'deadletters',
  ])('%s explains itself', (name) => {
    const { code, out } = proffer([name, '--help'])
    expect(code).toBe(0)
    expect(out).toContain(`proffer ${name}`)
  })

  test('an unknown command is refused with a hint', () => {
    const { code, err } = proffer(['serv'])
    expect(code).toBe(2)
    expect(err).toMatch(/unknown command|Did you mean/)
  })

  test.each([
    [['explain', 'x', '--for', 'everybody'], /customer.*manager.*staff/],
    [['explain', '--customer', 'C', '--event', 'e', '--for', 'customer'], /without --for/],
  ])('%j is a wrong call', (call, said) => {
    const { code, err } = proffer(call)
    expect(code).toBe(2)
    expect(err).toMatch(said)
  })

  test('a wrong option is a wrong call, not a no', () => {
    const { code, err } = proffer(['tail', '--limit', 'many'])
    expect(code).toBe(2)
    expect(err).toContain('a whole number')
  })

  test('a wrong setting is told before anything starts', () => {
    const { code, err } = proffer(['inspect', 'C1'], { PARTITIONS: 'many', DATA_DIR: join(folder, 'none') })
    expect(code).toBe(2)
    expect(err).toContain('PARTITIONS')
  })

  test('a DATA_DIR that is not there is refused with a sentence', () => {
    const { code, err } = proffer(['inspect', 'C1'], { DATA_DIR: join(folder, 'nowhere') })
    expect(code).toBe(2)
    expect(err).toContain('There is no installation')
  })

  test('looking at an empty folder does not set it up', () => {
    const empty = mkdtempSync(join(folder, 'empty-'))
    const { code, err } = proffer(['inspect', 'C1'], { DATA_DIR: empty })
    expect(code).toBe(2)
    expect(err).toContain('There is no installation')
    expect(readdirSync(empty)).toEqual([])
  })
})

describe('servers', () => {
  test('on Kafka a command starts no engine of its own, which would take partitions from the others', () => {
    const { code, err } = proffer(['partitions'], {
      DATA_DIR: mkdtempSync(join(folder, 'kafka-')),
      KAFKA_BROKERS: '127.0.0.1:9',
    })
    expect(code).toBe(2)
    expect(err).toContain('ENGINE_URL')
  })

  test('ENGINE_URL without a key is refused with a sentence', () => {
    const { code, err } = proffer(['partitions'], {
      DATA_DIR: mkdtempSync(join(folder, 'no-key-')),
      ENGINE_URL: 'http://127.0.0.1:9',
    })
    expect(code).toBe(2)
    expect(err).toContain('API_KEY')
  })

  test('--skip-lost alone is a wrong call', () => {
    const { code, err } = proffer(['partitions', '--skip-lost'])
    expect(code).toBe(2)
    expect(err).toContain('--reopen')
  })
})

describe('check', () => {
  test('the shipped pack is sound', () => {
    const { code, out } = proffer(['check', 'rules/packs/retail-bank'])
    expect(code).toBe(0)
    expect(out).toMatch(/version [0-9a-f]{64}/)
  })

  test('a folder that is no pack is refused', () => {
    expect(proffer(['check', folder]).code).toBe(1)
  })

  test('an engine does not start on a pack that is refused', () => {
    const { code, err } = proffer(['serve'], { PACK: folder, DATA_DIR: join(folder, 'data-refused'), PORT: '0' })
    expect(code).toBe(2)
    expect(err).toContain('is refused')
  })
})

test.each(['check', 'test'])('%s tells the first of many mistakes, and all of them when asked', (command) => {
  const pack = join(folder, `many-${command}`)
  cpSync('rules/packs/retail-bank', pack, { recursive: true })
  appendFileSync(join(pack, 'triggers.yaml'), `\n${Array.from({ length: 150 }, (_, i) => `bogus${i}: 1\n`).join('')}`)
  const mistakes = ({ out }: { out: string }) => out.split('\n').filter((line) => line.includes('has no key'))
  const some = proffer([command, pack])
  expect(mistakes(some)).toHaveLength(100)
  expect(some.out).toMatch(/^And 50 more; `.*--all` shows them all\.$/m)
  expect(some.err).toContain('refused: 150 problem(s)')
  expect(mistakes(proffer([command, pack, '--all']))).toHaveLength(150)
  expect(JSON.parse(proffer([command, pack, '--json']).out).problems).toHaveLength(150)
})

describe('with an engine that runs', () => {
  let running: RunningEngine
  test('commands ask it, and a second engine on its folder is refused', { timeout: 60_000 }, async () => {
    const dataDir = join(folder, 'running')
    running = await runEngine({ dataDir })
    try {
      await running.call('POST', '/v1/events', repayment('C-cli', 500_000))
      // The commands run while this process serves, so they must not block it.
      const run = (words: readonly string[], settings: Readonly<Record<string, string>> = { DATA_DIR: dataDir }) =>
        new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
          const child = spawn(process.execPath, ['engine/main.ts', ...words], {
            env: { ...process.env, PORT: '0', ...settings },
          })
          let out = ''
          let err = ''
          child.stdout.on('data', (chunk: Buffer) => {
            out += chunk
          })
          child.stderr.on('data', (chunk: Buffer) => {
            err += chunk
          })
          child.on('exit', (code) => resolve({ code, out, err }))
        })
      const inspected = await run(['inspect', 'C-cli'])
      expect(inspected.code).toBe(0)
      expect(inspected.out).toContain('C-cli')
      const partitions = await run(['partitions', '--json'])
      expect(JSON.parse(partitions.out).partitions).toHaveLength(8)
      const afar = await run(['partitions', '--json'], {
        DATA_DIR: join(folder, 'elsewhere'),
        ENGINE_URL: `http://127.0.0.1:${running.engine.port}/`,
        API_KEY: running.engine.key,
      })
      expect(JSON.parse(afar.out)).toMatchObject({ totals: { accepted: 1 } })
      const tail = await run(['tail', '--from-start', '--limit', '1'])
      expect(tail.out).toContain('repayment_thanks')
      const second = await run(['serve'])
      expect(second.code).toBe(2)
      expect(second.err).toMatch(/engine|process/)
    } finally {
      await running.stop()
    }
  })
})

describe('without an engine', () => {
  test('a first import takes the rows, a second one changes nothing, broken rows are kept', { timeout: 90_000 }, () => {
    const dataDir = join(folder, 'import')
    const words = [
      'import',
      'test/fixtures/berka-mini/trans.csv',
      '--mapping',
      'ingest/import/mappings/berka-transactions.yaml',
      '--clock=event',
      '--json',
    ]
    const first = proffer(words, { DATA_DIR: dataDir })
    expect(first.err).toBe('')
    expect(first.code).toBe(0)
    const one = JSON.parse(first.out.trim().split('\n').at(-1) ?? '')
    expect(one.accepted).toBeGreaterThan(0)
    expect(one.accepted + one.rejected + one.duplicates).toBe(one.rows)
    const two = JSON.parse(proffer(words, { DATA_DIR: dataDir }).out.trim().split('\n').at(-1) ?? '')
    expect(two.accepted).toBe(0)
    expect(two.rows).toBe(one.rows)

    const onWall = proffer(['serve'], { DATA_DIR: dataDir, PORT: '0' })
    expect(onWall.code).toBe(2)
    expect(onWall.err).toContain('event clock')
    const otherPartitions = proffer(['partitions'], { DATA_DIR: dataDir, PARTITIONS: '4' })
    expect(otherPartitions.code).toBe(2)
    expect(otherPartitions.err).toContain('PARTITIONS=8')
  })

  test('init declares the past once and only once', () => {
    const settings = { DATA_DIR: join(folder, 'init') }
    const first = proffer(['init', '--complete-since', '2026-01-01'], settings)
    expect(first.code).toBe(0)
    expect(first.out).toContain('2026-01-01')
    expect(proffer(['init'], settings).code).toBe(1)
    const seen = proffer(['inspect', 'C1', '--json'], settings)
    expect(seen.code).toBe(0)
    expect(JSON.parse(seen.out).known).toBe(false)
  })

  test.each([
    [['--complete-since', '2026-02-31'], 2, 'a date such as'],
    [['--complete-since', '02/01/2026'], 2, 'a date such as'],
    [['--complete-since', '2026-02-01T08:00:00'], 2, 'a date such as'],
    [['--complete-since', '2999-01-01'], 2, 'lies ahead'],
    [['--clock', 'event'], 2, 'say --complete-since'],
  ])('init %j sets up nothing that could not be mended', (words, code, said) => {
    const settings = { DATA_DIR: join(folder, 'init-refused') }
    const refused = proffer(['init', ...words], settings)
    expect(refused.code).toBe(code)
    expect(refused.err).toContain(said)
    expect(existsSync(settings.DATA_DIR)).toBe(false)
  })

  test('init says that nothing was set up when the pack is refused', () => {
    const settings = { DATA_DIR: join(folder, 'init-pack'), PACK: join(folder, 'no-pack') }
    const refused = proffer(['init'], settings)
    expect(refused.code).toBe(1)
    expect(refused.err).toContain('is refused, nothing was set up.')
  })
})
