import type { ShardPort } from './shard-port.ts'
import { type CustomerView, ShardError } from './shards.ts'

type Look = { customerId: string; resolve: (view: CustomerView) => void; reject: (error: Error) => void }

const looksMax = 64

/** Looks at customers of one partition that wait for a moment between two batches. */
export class ViewQueue {
  #looks: Look[] = []

  get size(): number {
    return this.#looks.length
  }

  /** @throws ShardError `partition_busy` when too many wait already */
  add(customerId: string): Promise<CustomerView> {
    if (this.#looks.length >= looksMax) {
      return Promise.reject(new ShardError('partition_busy', 'Too many customers are looked at at once.'))
    }
    return new Promise((resolve, reject) => this.#looks.push({ customerId, resolve, reject }))
  }

  /** Answers all looks. `lost`: the shard does not hold the partition, and those that are left wait for another run. */
  async run(port: ShardPort, partition: number, now: number): Promise<'answered' | 'lost'> {
    const looks = this.#looks.splice(0)
    for (let look = looks.shift(); look !== undefined; look = looks.shift()) {
      try {
        const result = await port.view(partition, look.customerId, now)
        if (result.kind === 'lost') {
          this.#looks.unshift(look, ...looks)
          return 'lost'
        }
        look.resolve(result.view)
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
