import { hash53 } from '../../../ingest/hash.ts'
import type { CompiledPack } from '../../../rules/compiled.ts'
import type { LearnedTable } from '../../../rules/learned-table.ts'
import { drop, type FunnelRun } from './run.ts'

/** A channel that is tired: the rule that says so, and the share of its marketing that goes out. */
export type TiredChannel = { readonly rule: string; readonly pass: number }

const hashSpan = 2 ** 53

/**
 * Drops marketing on a channel whose customers have stopped opening what comes there, but for the share that the pack lets pass.
 * Which decisions pass is hashed from their ids. Regulatory and service messages are owed and go out.
 */
export function filterTired(run: FunnelRun): void {
  const tired = run.tables.tired.get(run.placement.channel)
  if (tired === undefined || run.tables.placements[run.placement.index]?.contact !== true) return
  if (hash53(`${run.decisionId}\0${tired.rule}`) < tired.pass * hashSpan) return
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate === undefined || !candidate.alive || candidate.offer.model.class !== 'marketing') continue
    drop(candidate, 'contact', 'channel_fatigued', tired.rule)
  }
}

/** The tired channels of a table that the pack still has a rule for; of several rules the strictest holds. */
export function tiredChannels({ loaded }: CompiledPack, table: LearnedTable | null): ReadonlyMap<string, TiredChannel> {
  const tired = new Map<string, TiredChannel>()
  for (const { rule, pass } of table?.fatigue ?? []) {
    const channel = loaded.model.fatigue.find(({ id }) => id === rule)?.channel
    if (channel !== undefined && pass < (tired.get(channel)?.pass ?? 1)) tired.set(channel, { rule, pass })
  }
  return tired
}
