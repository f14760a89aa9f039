/** Decisions of a slice under both packs, side by side, as rows of `shadow_decisions_raw`. */
import type { Decision, Fate } from '../../sinks/decision.ts'

/** What a shadow is, on each of its rows. */
export type ShadowRun = { readonly run: string; readonly version: string }

export type ShadowRow = Readonly<Record<string, string | number | readonly string[]>>

/** Collects the decisions of both sides and pairs them by id: the same cause and placement have the same id under every pack. */
export class ShadowRows {
  readonly #run: ShadowRun
  readonly #pairs = new Map<string, { current: Decision | null; next: Decision | null }>()
  /** Decisions under the candidate version, and ids of which the two sides choose differently, since the start. */
  decisions = 0
  differences = 0

  constructor(run: ShadowRun) {
    this.#run = run
  }

  current(decision: Decision): void {
    this.#pairOf(decision.id).current = decision
  }

  next(decision: Decision): void {
    this.decisions++
    this.#pairOf(decision.id).next = decision
  }

  /** The rows since the last time. */
  take(): readonly ShadowRow[] {
    const rows: ShadowRow[] = []
    for (const { current, next } of this.#pairs.values()) {
      const row = rowOf(this.#run, current, next)
      if (row === null) continue
      if (!isSame(current, next)) this.differences++
      rows.push(row)
    }
    this.#pairs.clear()
    return rows
  }

  #pairOf(id: string): { current: Decision | null; next: Decision | null } {
    const known = this.#pairs.get(id) ?? { current: null, next: null }
    this.#pairs.set(id, known)
    return known
  }
}

/** Whether both make the same choice. */
function isSame(current: Decision | null, next: Decision | null): boolean {
  if (current === null || next === null || current.outcome !== next.outcome) return false
  const offersOf = ({ offers }: Decision) => offers.map(({ offer }) => offer).join(' ')
  return offersOf(current) === offersOf(next)
}

function rowOf({ run, version }: ShadowRun, current: Decision | null, next: Decision | null): ShadowRow | null {
  const one = next ?? current
  if (one === null) return null
  return {
    run,
    id: one.id,
    customer_id: one.customerId,
    placement: one.placement,
    channel: one.channel,
    version,
    pack_hash: current?.packHash ?? '',
    accepted_at: one.acceptedAt,
    decided_at: one.now,
    outcome: next?.outcome ?? '',
    reason: next?.reason ?? '',
    offer_ids: next?.offers.map(({ offer }) => offer) ?? [],
    ...fates('', next?.fates ?? []),
    current_outcome: current?.outcome ?? '',
    current_reason: current?.reason ?? '',
    current_offer_ids: current?.offers.map(({ offer }) => offer) ?? [],
    ...fates('current_', current?.fates ?? []),
  }
}

function fates(prefix: string, list: readonly Fate[]): ShadowRow {
  return {
    [`${prefix}fate_offers`]: list.map(({ offer }) => offer),
    [`${prefix}fate_stages`]: list.map(({ stage }) => stage),
    [`${prefix}fate_reasons`]: list.map(({ reason }) => reason),
    [`${prefix}fate_rules`]: list.map(({ rule }) => rule ?? ''),
  }
}
