/**
 * What decisions notice of packs that come into force: `npm run bench -- activation [--rate=300] [--seconds=20] [--every=2] [--rules=2500]`.
 *
 * Open model: decisions and events are sent by a schedule, whatever was answered before, and a decision's time runs from the instant it
 * was due. The engine is a process of its own, its shard a thread. In turn: a run in which nothing changes, and one in which another
 * version, of another layout, comes into force every two seconds; with the sample pack and with one of many rules.
 */
import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { type BenchResult, machine } from '../report.ts'

const told = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready'), port: z.number(), key: z.string() }),
  z.object({ kind: z.literal('activated'), result: z.string(), tookMs: z.number() }),
])
const customers = 2_000
/** Of so many calls one is an event, so that there are commits. */
const eventEvery = 4
const warmSeconds = 5
/** No decision may take longer than the control's p99.9 and this. */
const allowedMs = 50

type Times = { readonly ms: number[]; failures: number; activations: number; activationMs: number[] }

export async function benchActivation(): Promise<BenchResult> {
  const { values } = parseArgs({
    options: {
      rate: { type: 'string', default: '300' },
      seconds: { type: 'string', default: '20' },
      every: { type: 'string', default: '2' },
      rules: { type: 'string', default: '2500' },
    },
    strict: false,
  })
  const order = { rate: Number(values.rate), seconds: Number(values.seconds), everyMs: Number(values.every) * 1_000 }
  const figures: Record<string, number | string> = {}
  const verdicts: NonNullable<BenchResult['verdicts']>[number][] = []
  let held = true
  for (const [name, rules] of [
    ['sample pack', 0],
    [`${values.rules} rules`, Number(values.rules)],
  ] as const) {
    const { control, changing } = await measured(rules, order)
    const [calm, live] = [quantiles(control.ms), quantiles(changing.ms)]
    for (const [run, found] of [
      ['control', calm],
      ['activations', live],
    ] as const)
      for (const [quantile, ms] of Object.entries(found)) figures[`${name}, ${run}, ${quantile}, ms`] = ms
    const took = quantiles(changing.activationMs)
    figures[`${name}, activations`] = changing.activations
    figures[`${name}, an activation takes, p50, ms`] = took.p50
    figures[`${name}, failed requests`] = control.failures + changing.failures
    held &&= control.failures + changing.failures === 0 && changing.activations > 0
    verdicts.push({
      aim: `${name}: no decision slower than the control's p99.9 + ${allowedMs} ms`,
      reached: live.max <= calm.p999 + allowedMs,
      measured: `max ${live.max} ms with ${changing.activations} activations, control p99.9 ${calm.p999} ms, max ${calm.max} ms`,
      bound: 'slices of the compilation, customers read again under another layout, garbage of both packs',
    })
  }
  return { name: 'activation', held, verdicts, ratios: {}, figures, machine: machine() }
}

type Order = { readonly rate: number; readonly seconds: number; readonly everyMs: number }

async function measured(
  rules: number,
  { rate, seconds, everyMs }: Order,
): Promise<{ control: Times; changing: Times }> {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-activation-bench-'))
  const child = fork(join(import.meta.dirname, 'engine-child.ts'), [dir, String(rules)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  try {
    const ready = await new Promise<{ readonly port: number; readonly key: string }>((resolve, reject) => {
      child.once('message', (raw) => {
        const message = told.parse(raw)
        if (message.kind === 'ready') resolve(message)
      })
      child.once('exit', (code) => reject(new Error(`the engine ended with code ${code}`)))
    })
    await load(ready, rate, warmSeconds)
    const control = await load(ready, rate, seconds)
    const activated: number[] = []
    let refusals = 0
    child.on('message', (raw) => {
      const message = told.parse(raw)
      if (message.kind !== 'activated') return
      if (message.result === 'activated') activated.push(message.tookMs)
      else refusals++
    })
    child.send('activate')
    const timer = setInterval(() => child.send('activate'), everyMs)
    const changing = await load(ready, rate, seconds)
    clearInterval(timer)
    await sleep(1_000)
    changing.activations = activated.length
    changing.activationMs.push(...activated)
    changing.failures += refusals
    return { control, changing }
  } finally {
    child.send('stop')
    await new Promise((resolve) => child.once('exit', resolve))
    await rm(dir, { recursive: true, force: true })
  }
}

/** Sends calls by the schedule and waits for the last answer. */
async function load(
  engine: { readonly port: number; readonly key: string },
  rate: number,
  seconds: number,
): Promise<Times> {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 })
  const times: Times = { ms: [], failures: 0, activations: 0, activationMs: [] }
  const started = performance.now()
  const calls: Promise<void>[] = []
  const total = rate * seconds
  while (calls.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - started) / 1_000) * rate))
    for (let i = calls.length; i < due; i++) calls.push(call(engine, agent, i, started + (i / rate) * 1_000, times))
    await sleep(1)
  }
  await Promise.all(calls)
  agent.destroy()
  return times
}

function call(
  { port, key }: { readonly port: number; readonly key: string },
  agent: Agent,
  i: number,
  dueAt: number,
  times: Times,
): Promise<void> {
  const isEvent = i % eventEvery === 0
  const customerId = `B-${(i * 7_919) % customers}`
  const data = {
    amount: 100,
    currency: 'CNY',
    merchantCategory: 'fuel',
    merchantId: null,
    channel: 'online',
    country: 'CN',
  }
  const event = {
    specversion: '1.0',
    id: `b-${dueAt}-${i}`,
    source: 'card-system',
    type: 'card.purchase',
    subject: customerId,
    time: new Date().toISOString(),
    data,
  }
  const body = isEvent ? [event] : { customerId, placement: 'app_home_banner' }
  return new Promise((resolve) => {
    const failed = (): void => {
      times.failures++
      resolve()
    }
    const sent = request(
      {
        ...{ agent, port, host: '127.0.0.1', method: 'POST', path: isEvent ? '/v1/events' : '/v1/decisions' },
        headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      },
      (response) => {
        response.resume()
        response.on('end', () => {
          if (response.statusCode !== 200) failed()
          else {
            if (!isEvent) times.ms.push(performance.now() - dueAt)
            resolve()
          }
        })
      },
    )
    sent.on('error', failed)
    sent.end(JSON.stringify(body))
  })
}

function quantiles(ms: readonly number[]) {
  const sorted = [...ms].sort((a, b) => a - b)
  const at = (share: number): number =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN) * 10) / 10
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) }
}
