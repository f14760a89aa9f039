/** The part of a contender's run that counts: behind its warm-up, up to its last event. */
import type { Child } from './child.ts'
import { processSeconds, type ThreadShares, threadSeconds, threadShares, watchOthers } from './cpu-time.ts'
import type { Progress } from './progress.ts'
import { type RedisUsage, redisUsage } from './redis-usage.ts'
import type { Servers } from './servers.ts'

export type Span = {
  readonly events: number
  readonly seconds: number
  /** CPU an event, microseconds: all processes of the contender, Redis, the broker. NaN: a server of another machine. */
  readonly cpuUs: { readonly contender: number; readonly redis: number; readonly broker: number }
  /** Of that of the contender's first process, by thread. */
  readonly threadsUs: ThreadShares
  /** Cores that everything else on the machine used meanwhile: above a tenth or two the machine was not quiet. */
  readonly othersCores: number
  readonly redis: { readonly before: RedisUsage; readonly after: RedisUsage }
  /** What its own sums rose by. */
  readonly sums: Readonly<Record<string, number>>
  /** Where it stood at the end, by partition: of all its processes, from the beginning of the topic. */
  readonly next: Readonly<Record<number, number>>
}

export type SpanPlan = {
  /** Events that warm it in, and those after which it is over; both from the beginning. */
  readonly warm: number
  readonly events: number
}

/** A contender that stands still so long has failed. */
const silentMs = 120_000

/** Waits for a contender that has just been started to get through its events. */
export async function measureSpan(
  children: readonly Child<Progress>[],
  servers: Servers,
  plan: SpanPlan,
): Promise<Span> {
  const last = new Map<Child<Progress>, Progress>()
  for (const child of children) child.onMessage((message) => last.set(child, message))
  const before = await lookAfter(children, last, servers, plan.warm)
  const others = watchOthers([
    process.pid,
    servers.pids.redis(),
    servers.pids.kafka(),
    ...children.map(({ pid }) => pid),
  ])
  await reached(children, last, plan.events)
  const drained = children.map((child) => child.next((message) => message.kind === 'drained'))
  for (const child of children) child.send('drain')
  await Promise.all(drained)
  const after = await look(children, last, servers)
  const events = after.events - before.events
  const us = (seconds: number) => (seconds * 1e6) / events
  const shares = threadShares(children[0]?.pid ?? 0, before.threads, after.threads)
  return {
    events,
    seconds: (after.at - before.at) / 1_000,
    cpuUs: {
      contender: us(after.contender - before.contender),
      redis: us(after.redis - before.redis),
      broker: us(after.broker - before.broker),
    },
    threadsUs: { main: us(shares.main), worker: us(shares.worker), rest: us(shares.rest) },
    othersCores: others(),
    redis: { before: before.usage, after: after.usage },
    sums: Object.fromEntries(
      Object.entries(after.sums).map(([name, value]) => [name, value - (before.sums[name] ?? 0)]),
    ),
    next: after.next,
  }
}

type Look = {
  readonly at: number
  readonly events: number
  readonly contender: number
  readonly redis: number
  readonly broker: number
  readonly threads: ReadonlyMap<number, number>
  readonly usage: RedisUsage
  readonly sums: Readonly<Record<string, number>>
  readonly next: Readonly<Record<number, number>>
}

type Last = ReadonlyMap<Child<Progress>, Progress>

async function lookAfter(
  children: readonly Child<Progress>[],
  last: Last,
  servers: Servers,
  events: number,
): Promise<Look> {
  await reached(children, last, events)
  return look(children, last, servers)
}

/** Resolves with the message by which all of them together have done so many events. */
function reached(children: readonly Child<Progress>[], last: Last, events: number): Promise<void> {
  const sum = () => [...last.values()].reduce((all, one) => all + one.events, 0)
  return new Promise((resolve, reject) => {
    let seen = -1
    const watch = setInterval(() => {
      if (sum() === seen) reject(new Error(`a contender stands still at ${seen} of ${events} events`))
      seen = sum()
    }, silentMs)
    for (const child of children) {
      const hear = () => {
        if (sum() < events) return
        clearInterval(watch)
        resolve()
      }
      child.onMessage(hear)
      child.next(() => false).catch(reject)
    }
  })
}

async function look(children: readonly Child<Progress>[], last: Last, servers: Servers): Promise<Look> {
  const told = [...last.values()]
  const seconds = (pid: number | null) => (pid === null ? Number.NaN : processSeconds(pid))
  const at = Math.max(...told.map((one) => one.at))
  const contender = children.reduce((sum, { pid }) => sum + seconds(pid), 0)
  const redis = seconds(servers.pids.redis())
  const broker = seconds(servers.pids.kafka())
  const threads = threadSeconds(children[0]?.pid ?? 0)
  return {
    at,
    events: told.reduce((sum, one) => sum + one.events, 0),
    contender,
    redis,
    broker,
    threads,
    usage: await redisUsage(servers.connections.redisUrl),
    sums: told[0]?.sums ?? {},
    next: Object.assign({}, ...told.map((one) => one.next)),
  }
}
