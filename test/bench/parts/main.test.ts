/** `npm run parts`: one command starts the parts; however it ends, they end and their folders go. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { describeWithOwnKafka, describeWithOwnRedis } from '../../parts/describe-with-parts.ts'
import { eventually, isAlive } from '../../sinks/history/history-world.ts'

const main = fileURLToPath(new URL('../../../bench/parts/main.ts', import.meta.url))
const started: ChildProcess[] = []
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
})

const Report = z.object({
  parts: z.array(z.object({ name: z.string(), variable: z.string(), value: z.string(), pids: z.array(z.number()) })),
})

type Run = { readonly child: ChildProcess; out(): string; err(): string; readonly code: Promise<number | null> }

function start(...args: string[]): Run {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  started.push(child)
  let out = ''
  let err = ''
  child.stdout?.on('data', (text) => {
    out += text
  })
  child.stderr?.on('data', (text) => {
    err += text
  })
  const code = once(child, 'close').then(([code]) => (typeof code === 'number' ? code : null))
  return { child, out: () => out, err: () => err, code }
}

async function reportOf(run: Run) {
  const until = Date.now() + 60_000
  while (!run.out().endsWith('\n')) {
    if (Date.now() > until || run.child.exitCode !== null) throw new Error(`no report: ${run.err()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const { parts } = Report.parse(JSON.parse(run.out()))
  const pids = parts.flatMap((part) => part.pids)
  return { parts, pids, folders: pids.flatMap(folderOf) }
}

/** The temporary folder that a server's command line or working directory names. */
function folderOf(pid: number): string[] {
  const words = `${readFileSync(`/proc/${pid}/cmdline`, 'utf8')}`
  return [...words.matchAll(/[^\0]*?\/proffer-(?:kafka|redis|clickhouse)-\w+/g)].map(([folder]) => folder)
}

test('unknown names and options are refused with exit code 2, and help is no error', async () => {
  const [wrong, option, help] = [start('kafak'), start('--all'), start('--help')]
  expect(await wrong.code).toBe(2)
  expect(wrong.err()).toContain('Allowed choices are kafka, redis, redis-pair, redis-cluster, clickhouse')
  expect(await option.code).toBe(2)
  expect(await help.code).toBe(0)
  expect(help.out()).toContain('Usage: npm run parts -- [options] [names...]')
})

await describeWithOwnRedis('npm run parts', () => {
  test('prints settings to paste and runs until SIGTERM, then nothing is left', async () => {
    const run = start('redis', 'redis-pair')
    await eventually('it is up', () => run.out().includes('Ctrl-C'))
    const [, url = ''] = /^export REDIS_URL=(redis:\/\/127\.0\.0\.1:\d+)$/m.exec(run.out()) ?? []
    expect(run.out()).toMatch(/^# export REDIS_URL=/m)
    const redis = new Redis(url)
    expect(await redis.ping()).toBe('PONG')
    redis.disconnect()
    run.child.kill('SIGTERM')
    expect(await run.code).toBe(0)
    const gone = new Redis(url, { lazyConnect: true, retryStrategy: () => null })
    gone.on('error', () => gone.disconnect())
    await expect(gone.connect()).rejects.toThrow()
  })

  test('a part that dies ends the others and the command, with exit code 1', async () => {
    const run = start('redis', 'redis-pair', '--json')
    const { pids } = await reportOf(run)
    process.kill(pids[0] ?? 0, 'SIGKILL')
    expect(await run.code).toBe(1)
    expect(run.err()).toContain('Redis ended by itself')
    expect(pids.filter(isAlive)).toEqual([])
  })
})

await describeWithOwnKafka('npm run parts with everything', () => {
  test('after kill -9 of the command every server ends and every folder is removed', async () => {
    const run = start('--json')
    const { parts, pids, folders } = await reportOf(run)
    expect(parts.map((part) => part.name)).toEqual(['kafka', 'redis', 'redis-pair', 'redis-cluster', 'clickhouse'])
    expect(pids).toHaveLength(11)
    expect(pids.filter(isAlive)).toHaveLength(11)
    run.child.kill('SIGKILL')
    await run.code
    await eventually('all servers have ended', () => !pids.some(isAlive))
    expect(folders.length).toBeGreaterThan(0)
    await eventually('all folders are gone', () => !folders.some(existsSync))
  }, 90_000)
})
