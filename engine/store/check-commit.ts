import assert from 'node:assert/strict'
import type { Commit } from './store.ts'
import { maxCustomerIdBytes } from './stored-row.ts'

/** The shard sends 256 and 512 KB; what is so much larger comes from a fault. */
const writesMax = 4_096
const bytesMax = 64 * 2 ** 20

/** Entries of the due index in one commit, and in one answer. */
export const dueMax = 4_096

/** A commit that breaks the contract is a bug; found before anything is written. */
export function checkCommit(commit: Commit): void {
  assert(commit.to > commit.from, 'a commit moves the seq forward')
  assert(commit.writes.length <= writesMax, 'a commit is bounded')
  let bytes = commit.outbox?.length ?? 0
  for (const write of commit.writes) {
    checkCustomerId(write.customerId)
    bytes += write.kind === 'erase' ? 0 : write.bytes.length
  }
  assert(bytes <= bytesMax, 'the bytes of a commit are bounded')
  assert(commit.due.length <= dueMax, 'what a commit says of the due index is bounded')
  for (const { customerId, at } of commit.due) {
    checkCustomerId(customerId)
    assert(isDueInstant(at) || at === 0, 'due is at an instant, or 0: nothing is')
  }
}

/** Whether an entry of the due index may stand at an instant: whole milliseconds after 1970 that every adapter keeps exactly. */
export function isDueInstant(at: number): boolean {
  return Number.isSafeInteger(at) && at > 0
}

/** A look at the due index that breaks the contract is a bug. */
export function checkDueLimit(limit: number): void {
  assert(Number.isInteger(limit) && limit >= 0 && limit <= dueMax, 'a look at what is due is bounded')
}

function checkCustomerId({ length }: string): void {
  assert(length > 0 && length <= maxCustomerIdBytes, 'a customer id is 1 to 64 ASCII characters')
}
