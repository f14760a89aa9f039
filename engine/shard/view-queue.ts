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

  /** Takes all looks; resolves when they are answered. */
  async run(port: ShardPort, partition: number, now: number): Promise<void> {
    for (const { customerId, resolve, reject } of this.#looks.splice(0)) {
      try {
        resolve(await port.view(partition, customerId, now))
      } catch (cause) {
        reject(new ShardError('partition_busy', 'The customer could not be read; try again.', { cause }))
      }
    }
  }

  rejectAll(error: Error): void {
    for (const { reject } of this.#looks.splice(0)) reject(error)
  }
}
