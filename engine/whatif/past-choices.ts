/** Decisions of history in the order of their instants, for slices of any length. */
import type { AnswerReason } from '../../rules/reasons.ts'
import type { PastChoice, PastSource } from './read-past.ts'
import type { PastDecision } from './recorded-decisions.ts'

/** About so many are asked for at once, and how long a stretch they are from, milliseconds. */
const wantedAtOnce = 32_768
const firstMs = 600_000
const leastMs = 60_000
const mostMs = 86_400_000

/** Why the main thread answers when the shard does not: no rule was asked. */
const withoutRules: ReadonlySet<string> = new Set<AnswerReason>([
  'deadline_exceeded',
  'overloaded',
  'store_unavailable',
  'outbox_full',
  'partition_closed',
  'worker_failed',
  'shutting_down',
  'owner_unavailable',
  'stale_state',
])

/**
 * Reads them in stretches of their own, longer than slices: history keeps decisions by day and customer, so that every question looks at all of
 * a day. One stretch is read ahead.
 */
export class PastChoices {
  readonly #source: Pick<PastSource, 'choices'>
  #page: readonly PastChoice[] = []
  /** The first of `#page` that was not taken. */
  #at = 0
  /** Read up to here. */
  #to: number
  #ms = firstMs
  #ahead: { readonly to: number; readonly page: Promise<readonly PastChoice[]> } | null = null

  /** @param from where it begins, Unix milliseconds */
  constructor(source: Pick<PastSource, 'choices'>, from: number) {
    this.#source = source
    this.#to = from
  }

  /** Those up to and without an instant that were not taken yet. @param end nothing behind this instant is read */
  async take(until: number, end: number): Promise<readonly PastDecision[]> {
    const taken: PastDecision[] = []
    for (;;) {
      for (let one = this.#page[this.#at]; one !== undefined && one.decidedAt < until; one = this.#page[++this.#at])
        taken.push(decisionOf(one))
      if (this.#to >= until) return taken
      await this.#readOn(end)
    }
  }

  async #readOn(end: number): Promise<void> {
    const { to, page } = this.#ahead ?? this.#ask(this.#to, end)
    this.#page = await page
    this.#at = 0
    const many = Math.max(1, this.#page.length)
    this.#ms = Math.min(mostMs, Math.max(leastMs, this.#ms * Math.min(8, Math.max(0.1, wantedAtOnce / many))))
    this.#to = to
    this.#ahead = to < end ? this.#ask(to, end) : null
  }

  #ask(from: number, end: number): { readonly to: number; readonly page: Promise<readonly PastChoice[]> } {
    const to = Math.min(end, from + Math.round(this.#ms))
    const page = this.#source.choices({ from, to })
    // Whoever stops reading does not wait for it.
    page.catch(() => undefined)
    return { to, page }
  }
}

function decisionOf({ id, decidedAt, print, outcome, reason, packHash }: PastChoice): PastDecision {
  return { id, decidedAt, print, offered: outcome === 'offered', packHash, counts: !withoutRules.has(reason) }
}
