/** Erases customers everywhere, and says how far it is. */
import { setTimeout as sleep } from 'node:timers/promises'
import { erasureType } from '../../ingest/erasure.ts'
import type { RejectReason } from '../../ingest/event.ts'
import type { Forgetting, Traces } from '../../ingest/forget-customers.ts'
import type { Intake } from '../../ingest/intake.ts'
import type { ErasureReport, History } from '../../sinks/history/history.ts'
import type { Position, Shards } from '../shard/shards.ts'
import { type Asked, type ErasureReceipt, type KeptLog, receiptOf } from './receipt.ts'

export const erasureGrounds = ['request', 'retention', 'account_closed', 'other'] as const
export type ErasureGround = (typeof erasureGrounds)[number]

/**
 * `erased`: committed; the receipt says what is still under way. `pending`: in the log, and will be carried out whatever happens; the
 * deadline passed first.
 */
export type EraseAnswer =
  | { readonly kind: 'erased'; readonly receipt: ErasureReceipt }
  | { readonly kind: 'pending'; readonly position: Position }
  | { readonly kind: 'refused'; readonly reason: RejectReason }

export type CustomerErasure = {
  /**
   * Puts the erasure into the log and waits until it is committed. Erasing again does no harm.
   * @param deadlineAt on the engine's clock, Unix milliseconds
   * @throws as `Intake.submit` and `receipt`
   */
  erase(customerId: string, ground: ErasureGround | null, deadlineAt: number): Promise<EraseAnswer>
  /** What is left now. Looks through the dead letters. @throws ShardError when the customer's partition does not answer */
  receipt(customerId: string): Promise<ErasureReceipt>
  /**
   * An erasure was committed, whoever asked for it: takes the customers out of the dead letters and the identity map in
   * the background, once what was refused before it is there.
   */
  followUp(customerIds: readonly string[]): void
  /** Lets what is under way end. */
  stop(): Promise<void>
}

export type CustomerErasureParts = {
  readonly intake: Pick<Intake, 'submit'>
  readonly shards: Pick<Shards, 'applied' | 'customer' | 'drained'>
  readonly forgetting: Forgetting
  /** null: it is off. */
  readonly history: Pick<History, 'erasure'> | null
  readonly historyOff: string
  readonly logs: readonly KeptLog[]
  readonly now: () => number
  readonly newId: () => string
  /** A follow-up was given up; the receipt tells of whom, and erasing again makes up for it. */
  readonly onGivenUp: (cause: unknown) => void
}

/** Attempts of a follow-up, with pauses that double from the first to the most: about ten minutes in all. */
const retries = { attempts: 14, firstMs: 250, mostMs: 120_000 } as const
/** Customers that may wait for a follow-up; more are left to the receipt. */
const waitingMax = 100_000

export function createCustomerErasure(parts: CustomerErasureParts): CustomerErasure {
  const { intake, forgetting, now } = parts
  const waiting = new Set<string>()
  const ending = new AbortController()
  let running: Promise<void> | null = null

  async function receipt(customerId: string): Promise<ErasureReceipt> {
    const view = await parts.shards.customer(customerId)
    const { erasedAt, known } = view
    const facts = { customerId, erasedAt, known, logs: parts.logs, now: now() }
    if (erasedAt === null) return receiptOf({ ...facts, traces: unasked, history: unasked })
    const [traces, history] = await Promise.all([tracesOf(customerId), historyOf(customerId)])
    return receiptOf({ ...facts, traces, history })
  }

  async function tracesOf(customerId: string): Promise<Asked<Traces>> {
    try {
      return { kind: 'known', value: await forgetting.traces(customerId) }
    } catch (cause) {
      if (!isFault(cause)) throw cause
      return { kind: 'unknown', says: 'It does not answer at present; ask again.' }
    }
  }

  async function historyOf(customerId: string): Promise<Asked<ErasureReport>> {
    const { history } = parts
    if (history === null) return { kind: 'unknown', says: parts.historyOff }
    try {
      return { kind: 'known', value: await history.erasure(customerId) }
    } catch (cause) {
      if (!isFault(cause)) throw cause
      return { kind: 'unknown', says: 'History does not answer at present; ask again.' }
    }
  }

  async function run(): Promise<void> {
    while (waiting.size > 0 && !ending.signal.aborted) {
      const some = [...waiting]
      try {
        await withRetries(async () => {
          // A letter that the shard wrote before the erasure is kept by now.
          await parts.shards.drained()
          await forgetting.forget(some)
        }, ending.signal)
      } catch (cause) {
        if (!ending.signal.aborted) parts.onGivenUp(cause)
      }
      for (const customerId of some) waiting.delete(customerId)
    }
    running = null
  }

  return {
    receipt,
    async erase(customerId, ground, deadlineAt) {
      const event = {
        id: `erase-${parts.newId()}`,
        source: 'proffer',
        type: erasureType,
        customerId,
        time: now(),
        provenance: { via: 'http', consentId: null },
        data: { ground },
      } as const
      const [result] = await intake.submit([{ kind: 'event', event }], 'http')
      if (result === undefined) throw new Error('every item has a result')
      if (result.kind === 'rejected') return { kind: 'refused', reason: result.reason }
      const position = { partition: result.partition, offset: result.offset }
      const applied = await parts.shards.applied(position, deadlineAt)
      return applied === null ? { kind: 'pending', position } : { kind: 'erased', receipt: await receipt(customerId) }
    },
    followUp(customerIds) {
      for (const customerId of customerIds) if (waiting.size < waitingMax) waiting.add(customerId)
      running ??= run()
    },
    async stop() {
      ending.abort()
      await running
    },
  }
}

const unasked = { kind: 'unknown', says: '' } as const

/** A failure of a part, as against a bug. */
function isFault(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && 'retryable' in cause
}

/** @throws the last failure; what is no fault at once */
async function withRetries(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  let pauseMs: number = retries.firstMs
  for (let attempt = 1; ; attempt++) {
    try {
      await work()
      return
    } catch (cause) {
      if (!isFault(cause) || attempt >= retries.attempts || signal.aborted) throw cause
    }
    await sleep(pauseMs, null, { signal }).catch(() => undefined)
    if (signal.aborted) return
    pauseMs = Math.min(pauseMs * 2, retries.mostMs)
  }
}
