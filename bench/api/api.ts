/**
 * What does a decision cost over HTTP, against a server that only reads the body and sends a fixed answer?
 *
 * Both servers are processes of their own; the same client process drives each in turn with 64 connections, rounds
 * interleaved. Reported are requests a second at saturation and CPU a request of the whole server process, all threads. The client needs
 * more CPU a request than the bare server, so the bare server is not quite saturated on two cores; the CPU ratio does not
 * depend on that.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BenchResult, machine, median, printResult } from '../report.ts'

const here = dirname(fileURLToPath(import.meta.url))

type Server = { readonly process: ChildProcess; readonly port: number; readonly key: string }
type Round = { readonly perSecond: number; readonly cpuUs: number; readonly failed: number }
type Variant = {
  readonly name: string
  readonly server: () => Promise<Server>
  readonly customers: number
  readonly placement: string
}

/** Waits for a message of a kind from a child; rejects when the child ends first. */
function heard(child: ChildProcess, kind: string): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const listen = (message: unknown): void => {
      if (typeof message !== 'object' || message === null || !('kind' in message) || message.kind !== kind) return
      child.off('message', listen)
      child.off('exit', ended)
      resolve({ ...message })
    }
    const ended = (code: number | null): void => reject(new Error(`a process of the benchmark ended with ${code}`))
    child.on('message', listen)
    child.on('exit', ended)
  })
}

async function bare(): Promise<Server> {
  const child = fork(join(here, 'bare-server.ts'), ['900'])
  const { port } = await heard(child, 'port')
  return { process: child, port: Number(port), key: 'none' }
}

async function own(mode: string, customers: number, reserve: boolean): Promise<Server> {
  const flags = ['--mode', mode, '--customers', String(customers), ...(reserve ? ['--reserve'] : [])]
  const child = fork(join(here, 'engine-server.ts'), flags)
  const { port, key } = await heard(child, 'ready')
  return { process: child, port: Number(port), key: String(key) }
}

async function cpuOf(server: Server): Promise<number> {
  const answer = heard(server.process, 'cpu')
  server.process.send('cpu')
  return Number((await answer)['microseconds'])
}

async function round(variant: Variant, server: Server, seconds: number): Promise<Round> {
  const flags = { port: server.port, path: '/v1/decisions', key: server.key, seconds, warmup: 1, ...variant }
  const client = fork(
    join(here, 'saturate.ts'),
    (['port', 'path', 'key', 'seconds', 'warmup', 'customers', 'placement'] as const).flatMap((name) => [
      `--${name}`,
      String(flags[name]),
    ]),
  )
  const ended = heard(client, 'end')
  await heard(client, 'begin')
  const before = await cpuOf(server)
  const result = await ended
  const cpu = (await cpuOf(server)) - before
  const answered = Number(result['answered'])
  return { perSecond: answered / Number(result['seconds']), cpuUs: cpu / answered, failed: Number(result['failed']) }
}

/** Runs all variants in interleaved rounds. About two minutes. */
export async function benchApi(rounds = 3, seconds = 5): Promise<BenchResult> {
  const variants: readonly Variant[] = [
    { name: 'bare', server: bare, customers: 20_000, placement: 'app_offers' },
    { name: 'inline', server: () => own('inline', 20_000, false), customers: 20_000, placement: 'app_offers' },
    { name: 'worker', server: () => own('worker', 20_000, false), customers: 20_000, placement: 'app_offers' },
    {
      name: 'inlineReserving',
      server: () => own('inline', 300_000, true),
      customers: 300_000,
      placement: 'app_home_banner',
    },
    {
      name: 'workerReserving',
      server: () => own('worker', 300_000, true),
      customers: 300_000,
      placement: 'app_home_banner',
    },
  ]
  const results = new Map<string, Round[]>(variants.map((variant) => [variant.name, []]))
  for (let i = 0; i < rounds; i++) {
    for (const variant of variants) {
      // A fresh server for each round: reserving fills the caps, and no round inherits the heap of the one before.
      const server = await variant.server()
      results.get(variant.name)?.push(await round(variant, server, seconds))
      const gone = new Promise((resolve) => server.process.once('exit', resolve))
      server.process.send('end')
      await gone
      process.stderr.write(`round ${i + 1} of ${rounds}: ${variant.name}\n`)
    }
  }
  return resultOf(results)
}

function resultOf(results: ReadonlyMap<string, readonly Round[]>): BenchResult {
  const perSecond = (name: string) => median((results.get(name) ?? []).map((one) => one.perSecond))
  const cpuUs = (name: string) => median((results.get(name) ?? []).map((one) => one.cpuUs))
  const ratios: Record<string, number> = {}
  const figures: Record<string, number> = {}
  for (const [name, rounds] of results) {
    figures[`${name}PerSecond`] = perSecond(name)
    figures[`${name}CpuUs`] = cpuUs(name)
    figures[`${name}Failed`] = rounds.reduce((sum, one) => sum + one.failed, 0)
    if (name === 'bare') continue
    ratios[`${name}OverBarePerSecond`] = perSecond(name) / perSecond('bare')
    ratios[`${name}OverBareByCpu`] = cpuUs('bare') / cpuUs(name)
  }
  return { name: 'api', ratios, figures, machine: machine() }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) printResult(await benchApi())
