import type { Commit } from './store.ts'

const nothing: ReadonlyMap<string, number> = new Map()

/**
 * What a commit changes in the due index, for every adapter alike: when something of a customer is due next, 0: its entry goes. The
 * last word on a customer counts, and nothing of one that is erased stays.
 */
export function dueChanges({ due, writes }: Pick<Commit, 'due' | 'writes'>): ReadonlyMap<string, number> {
  if (due.length === 0 && !writes.some(({ kind }) => kind === 'erase')) return nothing
  const changes = new Map<string, number>()
  for (const { customerId, at } of due) changes.set(customerId, at)
  for (const { kind, customerId } of writes) if (kind === 'erase') changes.set(customerId, 0)
  return changes
}
