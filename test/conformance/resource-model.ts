import {
  type ConfirmReply,
  type LapseReply,
  type Reservation,
  type ReserveReply,
  type ResourceCount,
  sweepMax,
} from '../../engine/store/resource.ts'

type Held = { amount: number; lease: number; isConfirmed: boolean }

/** What a resource has to do, written as plainly as can be: the oracle of the suite. One resource. */
export class ResourceModel {
  readonly #held = new Map<string, Held>()
  #capacity: number | null = null

  define(capacity: number): void {
    this.#capacity = capacity
  }

  reserve(id: string, { amount, leaseUntil, now }: Reservation): ReserveReply {
    if (this.#capacity === null) return { kind: 'not_defined' }
    const held = this.#held.get(id)
    if (held !== undefined) {
      held.lease = Math.max(held.lease, leaseUntil)
      return { kind: 'reserved' }
    }
    for (const lapsed of this.#lapsed(now)) {
      if (this.#left() >= amount) break
      this.#held.delete(lapsed)
    }
    const left = this.#left()
    if (left < amount) return { kind: 'refused', left: Math.max(0, left) }
    this.#held.set(id, { amount, lease: leaseUntil, isConfirmed: false })
    return { kind: 'reserved' }
  }

  confirm(id: string, amount: number): ConfirmReply {
    const held = this.#held.get(id) ?? { amount, lease: 0, isConfirmed: true }
    this.#held.set(id, { ...held, isConfirmed: true })
    return { kind: 'confirmed', oversold: Math.max(0, -this.#left()) }
  }

  lapse(id: string): LapseReply {
    const held = this.#held.get(id)
    if (held === undefined) return { kind: 'unknown' }
    if (held.isConfirmed) return { kind: 'confirmed' }
    this.#held.delete(id)
    return { kind: 'lapsed' }
  }

  sweep(now: number): number {
    const lapsed = this.#lapsed(now)
    for (const id of lapsed) this.#held.delete(id)
    return lapsed.length
  }

  count(): ResourceCount {
    const sum = (isConfirmed: boolean) =>
      [...this.#held.values()].reduce((all, one) => all + (one.isConfirmed === isConfirmed ? one.amount : 0), 0)
    const [reserved, confirmed] = [sum(false), sum(true)]
    return { capacity: this.#capacity ?? 0, reserved, confirmed, oversold: Math.max(0, -this.#left()) }
  }

  #left(): number {
    return (this.#capacity ?? 0) - [...this.#held.values()].reduce((all, one) => all + one.amount, 0)
  }

  /** Ids whose lease has ended, oldest first. */
  #lapsed(now: number): string[] {
    return [...this.#held]
      .filter(([, { lease, isConfirmed }]) => !isConfirmed && lease <= now)
      .sort(([a, one], [b, other]) => one.lease - other.lease || (a < b ? -1 : 1))
      .slice(0, sweepMax)
      .map(([id]) => id)
  }
}
