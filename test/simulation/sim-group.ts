/** A model of a consumer group: members that are not heard of for a while are out, and each change is a new assignment. */
import type { Member, Membership } from '../../ingest/membership.ts'
import type { VirtualTime } from './virtual-time.ts'

export const sessionMs = 10_000
const heartbeatMs = 3_000
const settleMs = 100

type Seat = {
  readonly node: string
  readonly addr: string
  readonly deliver: (run: () => void) => void
  readonly assigned: (members: readonly Member[], mine: readonly number[]) => void
  heardAt: number
}

export class SimGroup {
  readonly #time: VirtualTime
  readonly #partitions: number
  readonly #seats = new Map<string, Seat>()
  /** How long a member that stands still keeps what it has. */
  readonly #keepsForMs: number | null
  #round = 0

  constructor(time: VirtualTime, partitions: number, keepsForMs: number | null) {
    this.#keepsForMs = keepsForMs
    this.#time = time
    this.#partitions = partitions
    this.#expire()
  }

  /** The group as a node sees it. */
  membership(node: string, addr: string, deliver: (run: () => void) => void): Membership {
    let known: readonly Member[] = []
    let waiting: (() => void)[] = []
    let gone = false
    let seat: Seat | null = null
    const join = (assigned: (partitions: readonly number[]) => void, first: () => void): void => {
      seat = {
        node,
        addr,
        deliver,
        heardAt: this.#time.now,
        assigned: (members, mine) => {
          known = members
          assigned(mine)
          first()
        },
      }
      this.#seats.set(node, seat)
      this.#rebalance()
    }
    const beat = (assigned: (partitions: readonly number[]) => void): void => {
      this.#time.after(heartbeatMs, () =>
        deliver(() => {
          if (gone) return
          if (seat !== null && this.#seats.get(node) === seat) {
            seat.heardAt = this.#time.now
            for (const tell of waiting.splice(0)) tell()
          } else {
            join(assigned, () => {})
          }
          beat(assigned)
        }),
      )
    }
    return {
      keepsForMs: this.#keepsForMs,
      join: (assigned) =>
        new Promise((resolve) => {
          join(assigned, resolve)
          beat(assigned)
        }),
      confirmed: () => new Promise((resolve) => waiting.push(resolve)),
      members: () => known,
      committed: () => {},
      leave: async () => {
        gone = true
        waiting = []
        this.#seats.delete(node)
        this.#rebalance()
      },
    }
  }

  /** Assigns the partitions anew among those who are there, everybody hearing of it in their own time. */
  #rebalance(): void {
    const round = ++this.#round
    this.#time.after(settleMs, () => {
      if (round !== this.#round) return
      const seats = [...this.#seats.values()].sort((a, b) => (a.node < b.node ? -1 : 1))
      const members = seats.map(({ node, addr }, index) => ({
        node,
        addr,
        partitions: this.#share(index, seats.length),
      }))
      for (const [index, seat] of seats.entries()) {
        this.#time.after(1 + index * 3, () =>
          seat.deliver(() => {
            if (this.#seats.get(seat.node) === seat) seat.assigned(members, members[index]?.partitions ?? [])
          }),
        )
      }
    })
  }

  #share(index: number, count: number): number[] {
    return Array.from({ length: this.#partitions }, (_, partition) => partition).filter(
      (partition) => partition % count === index,
    )
  }

  #expire(): void {
    this.#time.after(500, () => {
      const late = [...this.#seats.values()].filter(({ heardAt }) => this.#time.now - heardAt > sessionMs)
      for (const { node } of late) this.#seats.delete(node)
      if (late.length > 0) this.#rebalance()
      this.#expire()
    })
  }
}
