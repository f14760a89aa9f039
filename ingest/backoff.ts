import { hash32 } from './hash.ts'

/**
 * How long to wait before attempt `attempt` (1 the first repeat): doubling from `firstMs` to `mostMs`, of which the upper
 * half is jitter hashed from `salt` and the attempt, so that two processes do not knock together.
 */
export function backoffMs(
  attempt: number,
  { firstMs, mostMs, salt }: { firstMs: number; mostMs: number; salt: string },
): number {
  const whole = Math.min(mostMs, firstMs * 2 ** Math.min(20, Math.max(0, attempt - 1)))
  return Math.round(whole / 2 + ((whole / 2) * hash32(`${salt}:${attempt}`)) / 0x1_0000_0000)
}
