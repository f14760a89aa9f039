import { saltedHash } from './salted-hash.ts'

/**
 * The id of a decision: the first 32 hex digits of SHA-256 over the installation's salt and the decision's cause. The
 * same cause gives the same id after any restart; without the salt nobody can guess it. Cost: about 1 us.
 *
 * @param cause what tells it from every other decision, in a fixed order; parts are length-prefixed, so that no two
 *   different lists read the same
 */
export function decisionId(
  salt: string,
  kind: 'event' | 'request' | 'answer' | 'timer' | 'recall' | 'sent_after_recall' | 'accepted_after_expiry',
  cause: readonly string[],
): string {
  return saltedHash(salt, kind, cause).slice(0, 32)
}

/** The first 53 bits of a decision id as an integer: how contacts in a state name their decision. */
export function decisionNumber(id: string): number {
  return Number.parseInt(id.slice(0, 13), 16) * 2 + (Number.parseInt(id.slice(13, 14), 16) >>> 3)
}

/** A decision id in four parts of 32 bits, as states keep it. */
export function decisionParts(id: string): readonly [number, number, number, number] {
  const part = (i: number): number => Number.parseInt(id.slice(i * 8, i * 8 + 8), 16)
  return [part(0), part(1), part(2), part(3)]
}

/** The decision id of its parts. */
export function decisionOf(parts: readonly [number, number, number, number]): string {
  return parts.map((part) => part.toString(16).padStart(8, '0')).join('')
}
