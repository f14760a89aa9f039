import { type Permit, refusedPermit } from '../step/permit.ts'
import type { ShardPort } from './shard-port.ts'
import { type CustomerCopy, type CustomerView, type PermitRequest, ShardError } from './shards.ts'

type Look = {
  /** Asks the shard; how to hand on what it says. null: it does not hold the partition. */
  readonly run: (port: LookPort, partition: number, at: LookedAt) => Promise<(() => void) | null>
  readonly reject: (error: Error) => void
}

type LookPort = Pick<ShardPort, 'view' | 'copy' | 'permit'>

type LookedAt = {
  readonly now: number
  /** Whether events of the partition wait for so long that nothing can be promised. */
  readonly isBehind: boolean
  /** Whether what the shard says is still the owner's word when it is handed on. */
  readonly isStillOwner: () => boolean
}

const looksMax = 64

/** Looks at customers of one partition that wait for a moment between two batches. */
export class ViewQueue {
  #looks: Look[] = []
  #hadTurn = false

  get size(): number {
    return this.#looks.length
  }

  /** @throws ShardError `partition_busy` when too many wait already */
  view(customerId: string): Promise<CustomerView> {
    return this.#add((resolve) => async (port, partition, { now }) => {
      const result = await port.view(partition, customerId, now)
      return result.kind === 'lost' ? null : () => resolve(result.view)
    })
  }

  /** @throws ShardError as `view` */
  copy(customerId: string): Promise<CustomerCopy> {
    return this.#add((resolve) => async (port, partition, { now }) => {
      const copy = await port.copy(partition, customerId, now)
      return copy === null ? null : () => resolve(copy)
    })
  }

  /** A message is looked at once more. Refused while events wait to be counted. @throws ShardError as `view` */
  permit(request: PermitRequest): Promise<Permit> {
    return this.#add((resolve) => async (port, partition, { now, isBehind }) => {
      const permit = isBehind ? refusedPermit('stale_state') : await port.permit(partition, request, now)
      return permit === null ? null : () => resolve(permit)
    })
  }

  #add<Value>(look: (resolve: (value: Value) => void) => Look['run']): Promise<Value> {
    if (this.#looks.length >= looksMax) {
      return Promise.reject(new ShardError('partition_busy', 'Too many customers are looked at at once.'))
    }
    return new Promise((resolve, reject) => this.#looks.push({ run: look(resolve), reject }))
  }

  /** Whether looks are next: not twice in a row, so that a stream of them holds nothing else up. */
  takesTurn(): boolean {
    this.#hadTurn = this.#looks.length > 0 && !this.#hadTurn
    return this.#hadTurn
  }

  /** Answers all looks. `lost`: the shard does not hold the partition, and those that are left wait for another run. */
  async run(port: LookPort, partition: number, at: LookedAt): Promise<'answered' | 'lost'> {
    const looks = this.#looks.splice(0)
    for (let look = looks.shift(); look !== undefined; look = looks.shift()) {
      try {
        const answer = await look.run(port, partition, at)
        if (answer === null || !at.isStillOwner()) {
          this.#looks.unshift(look, ...looks)
          return 'lost'
        }
        answer()
      } catch (cause) {
        look.reject(new ShardError('partition_busy', 'The customer could not be read; try again.', { cause }))
      }
    }
    return 'answered'
  }

  rejectAll(error: Error): void {
    for (const { reject } of this.#looks.splice(0)) reject(error)
  }
}
