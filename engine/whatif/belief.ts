/**
 * How far what was computed again is what was decided: decisions of history beside those of the simulation under the pack of then. Its share is
 * the measure of how much a what-if is to be believed.
 */
import { hash } from 'node:crypto'
import type { Decision } from '../../sinks/decision.ts'

export type BeliefCount = {
  /** Decisions of history that were compared. */
  readonly recorded: number
  /** Met exactly: same id, outcome, reason, offers, and the fate of every candidate. */
  readonly met: number
  /** Same id, another content. */
  readonly differed: number
  /** In history and not computed again; computed and not in history. */
  readonly missing: number
  readonly surplus: number
}

/** What two records of one decision have to share to be the same choice. */
export function fingerprint({ outcome, reason, offers, fates }: Decision): string {
  const told = offers.map(({ offer }) => offer).join(',')
  const ends = fates.map(({ offer, stage, reason: why, rule }) => `${offer}:${stage}:${why}:${rule ?? ''}`).join(';')
  return hash('md5', `${outcome}|${reason}|${told}|${ends}`)
}
