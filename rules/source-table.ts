/** Sources of data as the states of customers judge them, and the names that origins have there. */
import { hash32 } from '../ingest/hash.ts'
import type { SourceModel } from './model.ts'

/** What data may be used for, as packs name it; the n-th is bit n of a mask. */
export const purposes = ['service', 'marketing', 'fraud_prevention', 'credit_risk', 'regulatory'] as const
export type Purpose = (typeof purposes)[number]

/** All purposes. */
export const everyPurpose = (1 << purposes.length) - 1

/** What may be used. What is not listed may not be. */
export type SourceTable = {
  readonly keys: Uint32Array
  /** From this instant on the source may not be used; -Infinity: at no time. */
  readonly untils: Float64Array
  /** Bits of `purposes` it may be used for. */
  readonly purposes: Uint8Array
}

/** The bit of a purpose. */
export function purposeBit(purpose: Purpose): number {
  return 1 << purposes.indexOf(purpose)
}

/** The purposes of a source, a bit each. */
export function purposeBits(source: Pick<SourceModel, 'purposes'>): number {
  return purposes.reduce((bits, purpose, bit) => (source.purposes.includes(purpose) ? bits | (1 << bit) : bits), 0)
}

/** Name in stored states of a source: even, at least 4. Stable across releases. */
export function sourceKey(id: string): number {
  return Math.max(4, (hash32(id) & ~1) >>> 0)
}

/** Name in stored states of a consent: odd, at least 3. Stable across releases. */
export function consentKey(id: string): number {
  return Math.max(3, (hash32(`consent:${id}`) | 1) >>> 0)
}

/** A consent as records name it: 8 hex digits. */
export function consentName(key: number): string {
  return key.toString(16).padStart(8, '0')
}

/** Name in stored states of a type of event: at least 3. */
export function typeKey(type: string): number {
  return Math.max(3, hash32(type))
}

/** The sources of a pack, those without a ground included: they may not be used. @param revoked ids of sources that may not be used either */
export function sourceTable(sources: readonly SourceModel[], revoked: ReadonlySet<string> = new Set()): SourceTable {
  const usable = ({ id, lawfulBasis }: SourceModel): boolean => lawfulBasis !== 'none' && !revoked.has(id)
  return {
    keys: Uint32Array.from(sources, ({ id }) => sourceKey(id)),
    untils: Float64Array.from(sources, (source) =>
      usable(source) ? (source.authorisation?.untilMs ?? Number.POSITIVE_INFINITY) : Number.NEGATIVE_INFINITY,
    ),
    purposes: Uint8Array.from(sources, purposeBits),
  }
}
