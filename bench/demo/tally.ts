/** Counts what the decisions say. */
import { createHash } from 'node:crypto'
import type { Decision } from '../../sinks/decision.ts'

/** Counts by name, highest first, names in order on a tie. */
export type Counts = readonly (readonly [name: string, count: number])[]

export type TallyView = {
  readonly decisions: number
  readonly byOutcome: Readonly<Record<Decision['outcome'], number>>
  /** Offers given, safe defaults included. */
  readonly byOffer: Counts
  /** Candidates stopped by a guardrail, by its id. */
  readonly byGuardrail: Counts
  /** Candidates stopped by a rule of the contact policy, by its id. */
  readonly byCap: Counts
  /** Messages taken back before they were sent, by what forbids them: a guardrail's id, else the reason code. */
  readonly byRecall: Counts
  /** Why requests got the safe default, by reason code. */
  readonly byFallback: Counts
}

export type Tally = {
  /** Counts a decision; one that came before is passed over. Its content is not kept. */
  add(decision: Decision): void
  view(): TallyView
  /** SHA-256 over what each decision answered, its outcome and its offers, whatever their order: the same decisions, the same text. */
  hash(): string
}

/** An empty tally. Keeps one short line a decision for the hash, about 100 bytes. */
export function createTally(): Tally {
  const lines = new Map<string, string>()
  const byOutcome = { offered: 0, fallback: 0, none: 0 }
  const byOffer = new Map<string, number>()
  const byGuardrail = new Map<string, number>()
  const byCap = new Map<string, number>()
  const byRecall = new Map<string, number>()
  const byFallback = new Map<string, number>()
  return {
    add(decision) {
      const { id, customerId, cause, placement, outcome, offers } = decision
      if (lines.has(id)) return
      const offered = offers.map((item) => item.offer).join(',')
      lines.set(id, `${customerId} ${cause.source} ${cause.id} ${placement} ${outcome} ${offered}`)
      byOutcome[outcome]++
      if (outcome === 'fallback') count(byFallback, decision.reason)
      for (const { offer } of offers) count(byOffer, offer)
      if (decision.reason === 'recalled') {
        // Its fates say why it may not leave any more; no candidate was stopped.
        const [first] = decision.fates
        count(byRecall, first?.rule ?? first?.reason ?? decision.reason)
        return
      }
      for (const { stage, rule } of decision.fates) {
        if (rule === null) continue
        if (stage === 'guardrail' || stage === 'final_gate') count(byGuardrail, rule)
        else if (stage === 'contact') count(byCap, rule)
      }
    },
    view: () => ({
      decisions: lines.size,
      byOutcome: { ...byOutcome },
      byOffer: sorted(byOffer),
      byGuardrail: sorted(byGuardrail),
      byCap: sorted(byCap),
      byRecall: sorted(byRecall),
      byFallback: sorted(byFallback),
    }),
    hash() {
      const hash = createHash('sha256')
      for (const line of [...lines.values()].sort()) hash.update(`${line}\n`)
      return hash.digest('hex')
    },
  }
}

function count(into: Map<string, number>, name: string): void {
  into.set(name, (into.get(name) ?? 0) + 1)
}

function sorted(counts: ReadonlyMap<string, number>): Counts {
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
}
