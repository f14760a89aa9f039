/**
 * What an app and the core systems do all the time: events and live requests by a schedule that nothing delays, to any node that
 * answers. What is not answered is sent again, to another node, with the same id.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { printCloudEvent } from '../../../ingest/cloud-event.ts'
import { createStream, streamCustomerId } from '../../workload/stream.ts'
import { createLatencyMeter, type LatencyMs } from '../latency.ts'

export type TrafficOptions = {
  readonly urls: readonly string[]
  readonly key: string
  readonly customers: number
  readonly eventsPerSecond: number
  readonly requestsPerSecond: number
}

/** What happened since the last look. */
export type Phase = {
  readonly requests: number
  /** Answers with the placement's safe offer, by reason. */
  readonly fallbacks: Readonly<Record<string, number>>
  /** Calls that had to be sent again because a node did not answer. */
  readonly repeated: number
  readonly latency: LatencyMs
}

export type Traffic = {
  /** Figures since the last call. */
  phase(): Phase
  /** Stops sending and waits for what is under way. */
  stop(): Promise<Totals>
}

/** Over the whole run. */
export type Totals = {
  readonly eventsSent: number
  /** Events that no node acknowledged within a minute. */
  readonly eventsUnanswered: number
  readonly requestsSent: number
  readonly requestsUnanswered: number
}

const tickMs = 50
/** A node that did not answer is left alone for a moment, as a load balancer would. */
const restMs = 1_000
const patience = { event: { onceMs: 5_000, allMs: 60_000 }, request: { onceMs: 700, allMs: 60_000 } } as const
const placements = ['app_home_banner', 'app_offers'] as const
const Answer = z.object({ outcome: z.string(), reason: z.string() })

/** Starts it; the schedule begins at once. */
export function startTraffic(options: TrafficOptions): Traffic {
  return new Running(options)
}

class Running implements Traffic {
  readonly #options: TrafficOptions
  readonly #stream
  readonly #underWay = new Set<Promise<void>>()
  readonly #restingUntil = new Map<string, number>()
  readonly #totals = { eventsSent: 0, eventsUnanswered: 0, requestsSent: 0, requestsUnanswered: 0 }
  #meter = createLatencyMeter()
  #fallbacks: Record<string, number> = {}
  #requests = 0
  #repeated = 0
  #turn = 0
  #stopping = false
  readonly #ticking: Promise<void>

  constructor(options: TrafficOptions) {
    this.#options = options
    this.#stream = createStream({ seed: 1, customers: options.customers, startMs: Date.now() })
    this.#ticking = this.#tick()
  }

  phase(): Phase {
    const { requests } = this.#meter.figures()
    const phase = {
      requests: this.#requests,
      fallbacks: this.#fallbacks,
      repeated: this.#repeated,
      latency: requests,
    }
    this.#meter = createLatencyMeter()
    this.#fallbacks = {}
    this.#requests = 0
    this.#repeated = 0
    return phase
  }

  async stop(): Promise<Totals> {
    this.#stopping = true
    await this.#ticking
    await Promise.all(this.#underWay)
    return this.#totals
  }

  async #tick(): Promise<void> {
    const { eventsPerSecond, requestsPerSecond } = this.#options
    const start = performance.now()
    for (let tick = 0; !this.#stopping; tick++) {
      const due = start + tick * tickMs
      await sleep(Math.max(0, due - performance.now()))
      const upTo = (perSecond: number, ticks: number) => Math.floor((perSecond * tickMs * ticks) / 1_000)
      const count = (perSecond: number) => upTo(perSecond, tick + 1) - upTo(perSecond, tick)
      this.#begin(this.#sendEvents(count(eventsPerSecond)))
      for (let i = count(requestsPerSecond); i > 0; i--) this.#begin(this.#ask(due))
    }
  }

  #begin(work: Promise<void>): void {
    const tracked = work.finally(() => this.#underWay.delete(tracked))
    this.#underWay.add(tracked)
  }

  async #sendEvents(count: number): Promise<void> {
    if (count === 0) return
    const events = Array.from({ length: count }, () => {
      this.#stream.next()
      return printCloudEvent({ ...this.#stream.event(), time: Date.now() })
    })
    this.#totals.eventsSent += count
    const answer = await this.#call('/v1/events', 'application/cloudevents-batch+json', events, patience.event)
    if (answer === null) this.#totals.eventsUnanswered += count
  }

  async #ask(dueAt: number): Promise<void> {
    const number = this.#totals.requestsSent++
    const body = {
      customerId: streamCustomerId((number * 7_919) % this.#options.customers),
      placement: placements[number % placements.length],
      requestId: `r-${number}`,
      deadlineMs: 200,
    }
    const answer = await this.#call('/v1/decisions', 'application/json', body, patience.request)
    if (answer === null) {
      this.#totals.requestsUnanswered++
      return
    }
    this.#meter.request(performance.now() - dueAt)
    this.#requests++
    const { outcome, reason } = Answer.parse(answer)
    if (outcome === 'fallback') this.#fallbacks[reason] = (this.#fallbacks[reason] ?? 0) + 1
  }

  /** The answer of the first node that gives one; null when none did in time. */
  async #call(
    path: string,
    type: string,
    body: unknown,
    { onceMs, allMs }: { readonly onceMs: number; readonly allMs: number },
  ): Promise<unknown> {
    const until = performance.now() + allMs
    for (;;) {
      const url = this.#next()
      try {
        const response = await fetch(url + path, {
          method: 'POST',
          headers: { Authorization: `Bearer ${this.#options.key}`, 'Content-Type': type },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(onceMs),
        })
        if (response.status === 200 || response.status === 202) return await response.json()
        await response.arrayBuffer()
      } catch {
        this.#restingUntil.set(url, performance.now() + restMs)
      }
      this.#repeated++
      if (performance.now() > until) return null
      await sleep(20)
    }
  }

  /** The nodes in turn; those that did not answer lately are passed over while there are others. */
  #next(): string {
    const { urls } = this.#options
    const now = performance.now()
    for (let i = 0; i < urls.length; i++) {
      const url = urls[this.#turn++ % urls.length] ?? ''
      if ((this.#restingUntil.get(url) ?? 0) <= now) return url
    }
    return urls[this.#turn++ % urls.length] ?? ''
  }
}
