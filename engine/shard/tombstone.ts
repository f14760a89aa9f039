import { createHmac } from 'node:crypto'

/** What is kept of an erased customer's id: 32 hex digits that nobody without the installation's secret can compare it with. */
export function tombstoneOf(salt: string, customerId: string): string {
  return createHmac('sha256', salt).update(`tombstone ${customerId}`).digest('hex').slice(0, 32)
}
