import assert from 'node:assert/strict'
import type { Commit } from './store.ts'
import { maxCustomerIdBytes } from './stored-row.ts'

/** The shard sends 256 and 512 KB; what is so much larger comes from a fault. */
const writesMax = 4_096
const bytesMax = 64 * 2 ** 20

/** A commit that breaks the contract is a bug; found before anything is written. */
export function checkCommit(commit: Commit): void {
  assert(commit.to > commit.from, 'a commit moves the seq forward')
  assert(commit.writes.length <= writesMax, 'a commit is bounded')
  let bytes = commit.outbox?.length ?? 0
  for (const write of commit.writes) {
    const { length } = write.customerId
    assert(length > 0 && length <= maxCustomerIdBytes, 'a customer id is 1 to 64 ASCII characters')
    bytes += write.kind === 'erase' ? 0 : write.bytes.length
  }
  assert(bytes <= bytesMax, 'the bytes of a commit are bounded')
}
