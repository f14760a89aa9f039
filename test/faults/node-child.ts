/**
 * One engine in a process of its own, as the settings say, to be killed, stopped and paused. Calls come over the channel to its
 * parent, as text, and are answered there; without its parent it ends.
 */
import assert from 'node:assert/strict'
import type { Clock } from '../../engine/clock.ts'
import { type Engine, type EngineOptions, startEngine } from '../../engine/compose.ts'
import { readConfig } from '../../engine/config.ts'
import { createLogger } from '../../engine/log.ts'
import type { Answer } from '../protocol/evidence.ts'

/** What a process is started with, its only argument. */
export type NodePlan = {
  readonly settings: Readonly<Record<string, string>>
  readonly salt: string
  readonly shards: NonNullable<EngineOptions['shards']>
  /** How far its clock is ahead when it starts, milliseconds. */
  readonly aheadMs: number
}

/** What its parent asks. Time is given as a length, for a call may wait in the channel of a process that stands still. */
export type NodeCall =
  | {
      readonly ask: 'decide'
      readonly customerId: string
      readonly requestId: string
      readonly placement: string
      readonly withinMs: number
    }
  | { readonly ask: 'applied'; readonly partition: number; readonly offset: number; readonly withinMs: number }
  | { readonly ask: 'partitions' }
  | { readonly ask: 'set_clock'; readonly aheadMs: number }
  | { readonly ask: 'quarantined' }
  | { readonly ask: 'stop' }

/** What it tells: that it runs, that it has stopped, that it does not start, or an answer; null where there is none. */
export type NodeWord =
  | { readonly kind: 'running' | 'stopped' }
  | { readonly kind: 'refused'; readonly code: string; readonly why: string }
  | { readonly kind: 'answer'; readonly number: number; readonly value: unknown }

/** An answer as it crosses the channel: what a caller sees of it. */
export type GivenAnswer = Omit<Answer, 'askedAt'>

/** This process's clock, and how far somebody has set it ahead. */
let aheadMs = 0
const clock: Clock = { kind: 'wall', now: () => Date.now() + aheadMs }

function say(word: NodeWord): void {
  // The channel may be closed already: then nobody wants to know.
  if (process.connected) process.send?.(JSON.stringify(word))
}

async function answer({ shards, watch }: Pick<Engine, 'shards' | 'watch'>, call: NodeCall): Promise<unknown> {
  switch (call.ask) {
    case 'decide': {
      const { customerId, requestId, placement, withinMs } = call
      const deadlineAt = clock.now() + withinMs
      const request = { customerId, requestId, placement, count: 1, deadlineAt, after: null }
      const { decision, committed } = await shards.decide(request)
      const { id, channel, reason, now, contacts, packHash } = decision
      const offers = decision.offers.map(({ offer }) => offer)
      const given: GivenAnswer = { id, customerId, channel, reason, now, contacts, packHash, offers, committed }
      return given
    }
    case 'applied':
      return shards.applied({ partition: call.partition, offset: call.offset }, clock.now() + call.withinMs)
    case 'set_clock':
      aheadMs = call.aheadMs
      return null
    case 'partitions':
      return shards.partitions()
    case 'quarantined':
      return watch.quarantined
    case 'stop':
      return null
    default:
      return call satisfies never
  }
}

async function main(plan: NodePlan): Promise<void> {
  const read = readConfig(plan.settings)
  assert(read.kind === 'ok', 'the settings of a test are sound')
  aheadMs = plan.aheadMs
  const engine = await startEngine({
    config: read.config,
    clock,
    completeSince: 0,
    salt: plan.salt,
    serve: { host: '127.0.0.1', port: 0 },
    history: false,
    logger: createLogger('silent', 'stderr'),
    shards: plan.shards,
  })
  say({ kind: 'running' })
  const open = new Set<Promise<void>>()
  process.on('message', (text: string) => {
    const { number, call }: { number: number; call: NodeCall } = JSON.parse(text)
    if (call.ask === 'stop') {
      // Every call that came before has its answer, and is told it, before the process ends.
      const stopped = engine.stop().then(() => Promise.all(open))
      void stopped.then(
        () => process.send?.(JSON.stringify({ kind: 'stopped' } satisfies NodeWord), () => process.exit(0)),
        () => process.exit(1),
      )
      return
    }
    const answered = answer(engine, call).then(
      (value) => say({ kind: 'answer', number, value }),
      // A call that is refused is no answer: its caller tries again or does without.
      () => say({ kind: 'answer', number, value: null }),
    )
    open.add(answered)
    void answered.then(() => open.delete(answered))
  })
}

if (process.argv[1]?.endsWith('node-child.ts') === true) {
  process.on('disconnect', () => process.exit(1))
  main(JSON.parse(process.argv[2] ?? '')).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'bug'
    say({ kind: 'refused', code, why: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    process.exitCode = 1
    process.disconnect?.()
  })
}
