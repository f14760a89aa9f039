/** Which roles may send an event: what opens, counts or erases is not everybody's to say. */
import { erasureType } from '../../ingest/erasure.ts'
import { overrideType } from '../../ingest/override.ts'
import type { Role } from '../control/roles.ts'

const receipts: readonly Role[] = ['gateway']
const overrides: readonly Role[] = ['compliance']
const erasures: readonly Role[] = ['operator']
const facts: readonly Role[] = ['producer']

/** @param value an event as it came, checked or not: what is none goes to the dead letters of whoever may send facts */
export function rolesToSend(value: unknown): readonly Role[] {
  const found = typeof value === 'object' && value !== null && 'type' in value ? value.type : ''
  const type = typeof found === 'string' ? found : ''
  if (type === overrideType) return overrides
  if (type === erasureType) return erasures
  return type.startsWith('message.') ? receipts : facts
}
