import type { RootDatabase } from 'lmdb'

/** A link of lmdb's list of writes: the first one of a transaction. */
type Link = { next?: unknown; nextTxn?: unknown }

/**
 * lmdb keeps its writes in a linked list and never cuts a link. Once one of them has grown old every later one is promoted behind it,
 * with the promises and bytes that hang on it, until a mark-compact, which then comes soon and often. This cuts the list behind each
 * transaction when the next one is committed: nothing walks over that link any more.
 */
export function unlinkCommitted(root: RootDatabase): void {
  let before: Link | null = null
  root.on('aftercommit', (event: { readonly next: Link }) => {
    if (before !== null && before !== event.next) {
      before.next = null
      before.nextTxn = null
    }
    before = event.next
  })
}
