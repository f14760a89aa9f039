/** The Kafka Streams peer as a contender: a Java process, and how far it is by the offsets that its group has committed. */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { sharedNow } from '../latency/gc-watch.ts'
import { startTethered, type TetheredProcess } from '../parts/tethered-process.ts'
import type { Child } from '../servers/child.ts'
import { type Progress, tell } from '../servers/progress.ts'
import { kafkaClient } from '../servers/topics.ts'
import { peerClasses } from './peer-classes.ts'

export type StreamsOptions = {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly hitsTopic: string
  /** Name of the group, and beginning of the names of changelog topics. */
  readonly applicationId: string
  /** Folder in which it gets one of its own. */
  readonly dir: string
}

/** What the JVM gets. RocksDB has its memory beside the heap. */
export const jvmArgs = ['-Xms1g', '-Xmx1g', '-XX:+UseG1GC'] as const

const askEveryMs = 50
const endWithinMs = 30_000

type Listener = (message: Progress) => void

/**
 * Starts it at the beginning of the topic. Exactly once: an offset is committed in the transaction that holds the hits and the
 * changes of counters up to it, so what the group has committed is done with.
 * @throws PartError `part_missing` when it cannot be fetched or compiled
 */
export async function startStreams(options: StreamsOptions): Promise<Child<Progress>> {
  const stateDir = await mkdtemp(join(options.dir, 'kafka-streams-'))
  const admin = kafkaClient(options.brokers, 'bench-offsets').admin()
  await admin.connect()
  const java = await launch(options, stateDir)
  const listeners = new Set<Listener>()
  let last = await progressOf(admin, options, 'progress')
  let isOver = false
  const say = (message: Progress) => {
    last = message
    for (const listener of listeners) listener(message)
  }
  const watch = async () => {
    while (!isOver) {
      say(await progressOf(admin, options, 'progress'))
      await sleep(askEveryMs)
    }
  }
  const watched = watch()
  const failed = Promise.race([
    watched.then(() => new Promise<never>(() => {})),
    java.ended.then(() => (isOver ? new Promise<never>(() => {}) : ended(java))),
  ])
  // Whoever waits for a message hears of it.
  failed.catch(() => {})
  const stop = async (deadlineMs: number) => {
    isOver = true
    await java.end(deadlineMs)
    await watched
    say(await progressOf(admin, options, 'ended'))
    await admin.disconnect()
    await rm(stateDir, { recursive: true, force: true })
  }
  return {
    pid: java.pid,
    onMessage: (listener) => void listeners.add(listener),
    next: (wanted) => Promise.race([nextOf(listeners, wanted), failed]),
    // `drain`: nothing is counted before it has left.
    send: () => say({ ...last, kind: 'drained' }),
    end: () => stop(endWithinMs),
    kill: () => stop(0),
  }
}

async function launch(options: StreamsOptions, stateDir: string): Promise<TetheredProcess> {
  const { java, classPath } = await peerClasses(tell)
  const { PATH = '', HOME = '', LANG = 'C.UTF-8', JAVA_HOME = '' } = process.env
  const jvm = [`-Djava.io.tmpdir=${stateDir}`, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', classPath]
  const own = [options.brokers.join(','), options.topic, options.hitsTopic, options.applicationId, stateDir]
  return startTethered({
    command: java,
    args: [...jvmArgs, '-XX:-UsePerfData', ...jvm, 'CardHits', ...own],
    env: { PATH, HOME, LANG, ...(JAVA_HOME === '' ? {} : { JAVA_HOME }) },
    removeWithUs: stateDir,
  })
}

function ended(java: TetheredProcess): never {
  throw new Error(`Kafka Streams ended early: ${java.lastWords()}`)
}

function nextOf(listeners: Set<Listener>, wanted: (message: Progress) => boolean): Promise<Progress> {
  return new Promise((resolve) => {
    const hear = (message: Progress) => {
      if (!wanted(message)) return
      listeners.delete(hear)
      resolve(message)
    }
    listeners.add(hear)
  })
}

async function progressOf(
  admin: Admin,
  { applicationId, topic }: StreamsOptions,
  kind: Progress['kind'],
): Promise<Progress> {
  const [found] = await admin.fetchOffsets({ groupId: applicationId, topics: [topic] })
  const next: Record<number, number> = {}
  for (const { partition, offset } of found?.partitions ?? []) next[partition] = Math.max(0, Number(offset))
  const events = Object.values(next).reduce((sum, offset) => sum + offset, 0)
  return { kind, at: sharedNow(), events, sums: {}, next }
}
