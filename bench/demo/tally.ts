/** Counts what the decisions say. */
import { createHash } from 'node:crypto'
import { type Decision, released } from '../../sinks/decision.ts'

/** Counts by name, highest first, names in order on a tie. */
export type Counts = readonly (readonly [name: string, count: number])[]

/** What quiet hours did. */
export type QuietCounts = {
  /** Messages that began to wait for their end, those of them that were sent then, and those that were not any more. The others wait. */
  readonly held: number
  readonly sent: number
  readonly notSent: number
  /** Decisions in which something was proposed for another channel, or dropped for good. */
  readonly switched: number
  readonly dropped: number
}

export type TallyView = {
  readonly decisions: number
  readonly byOutcome: Readonly<Record<Decision['outcome'], number>>
  /** Offers given, safe defaults included. */
  readonly byOffer: Counts
  /** Candidates stopped by a guardrail, by its id. */
  readonly byGuardrail: Counts
  /** Candidates stopped by a cap, a gap or a pause, by its id. */
  readonly byCap: Counts
  /** Messages taken back before they were sent, by what forbids them: a guardrail's id, else the reason code. */
  readonly byRecall: Counts
  readonly quiet: QuietCounts
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
  const quiet = { held: 0, sent: 0, notSent: 0, switched: 0, dropped: 0 }
  return {
    add(decision) {
      const { id, customerId, cause, placement, outcome, offers, fates } = decision
      if (lines.has(id)) return
      const offered = offers.map((item) => item.offer).join(',')
      lines.set(id, `${customerId} ${cause.source} ${cause.id} ${placement} ${outcome} ${offered}`)
      byOutcome[outcome]++
      if (outcome === 'fallback') count(byFallback, decision.reason)
      for (const { offer } of offers) count(byOffer, offer)
      if (decision.reason === 'recalled') {
        // Its fates say why it may not leave any more; no candidate was stopped.
        const [first] = fates
        count(byRecall, first?.rule ?? first?.reason ?? decision.reason)
        return
      }
      for (const { stage, rule, reason } of fates) {
        if (rule === null) continue
        if (stage === 'guardrail' || stage === 'final_gate') count(byGuardrail, rule)
        else if (stage === 'contact' && !quietReasons.has(reason)) count(byCap, rule)
      }
      const fell = (code: string): boolean => fates.some(({ reason }) => reason === code)
      if (!isRelease(decision)) quiet.held += decision.held.length
      else if (decision.held.length === 0) quiet[outcome === 'offered' ? 'sent' : 'notSent']++
      if (fell('switched')) quiet.switched++
      if (fell('quiet_hours')) quiet.dropped++
    },
    view: () => ({
      decisions: lines.size,
      byOutcome: { ...byOutcome },
      byOffer: sorted(byOffer),
      byGuardrail: sorted(byGuardrail),
      byCap: sorted(byCap),
      byRecall: sorted(byRecall),
      byFallback: sorted(byFallback),
      quiet: { ...quiet },
    }),
    hash() {
      const hash = createHash('sha256')
      for (const line of [...lines.values()].sort()) hash.update(`${line}\n`)
      return hash.digest('hex')
    },
  }
}

const quietReasons: ReadonlySet<string> = new Set(['held', 'switched', 'quiet_hours'])

/** Whether a decision takes up what had waited for the end of quiet hours. */
export function isRelease({ cause }: Decision): boolean {
  return cause.source === released.source && cause.type === released.type
}

function count(into: Map<string, number>, name: string): void {
  into.set(name, (into.get(name) ?? 0) + 1)
}

function sorted(counts: ReadonlyMap<string, number>): Counts {
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
}
