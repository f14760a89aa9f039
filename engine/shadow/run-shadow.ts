/** A shadow from its order on: the past first, for the states of both banks, then history as it grows. */
import { compilePack } from '../../rules/compile-pack.ts'
import { WhatIfMachine } from '../whatif/machine.ts'
import type { PastHistory } from '../whatif/past-history.ts'
import { pastOfHistory } from '../whatif/past-of-history.ts'
import { PastReader } from '../whatif/read-past.ts'
import { compileCandidate, resourcesOf, warmupOf } from '../whatif/run-what-if.ts'
import { WhatIfError } from '../whatif/side.ts'
import type { FromShadow, ShadowOrder } from './messages.ts'
import { type ShadowRow, ShadowRows } from './shadow-rows.ts'

export type ShadowEnds = {
  /** Rows of decisions from before this instant are in already, Unix milliseconds. */
  readonly writtenUntil: number
  readonly insert: (rows: readonly ShadowRow[]) => Promise<void>
  readonly tell: (message: FromShadow) => void
  /** Resolves when history is complete up to a later instant than before, and says up to which. */
  readonly until: () => Promise<number>
}

/**
 * Follows for ever. When it begins again it goes through what it wrote once more for the states, and writes on where it was: of who was erased
 * meanwhile nothing comes back. What is written twice has the same key and counts once.
 * @throws WhatIfError, HistoryError, and what the insert throws
 */
export async function runShadow(order: ShadowOrder, ends: ShadowEnds): Promise<void> {
  const { candidate, startedAt: from } = order
  const compiled = compileCandidate(candidate)
  if (compiled.kind === 'refused') throw new WhatIfError('pack_refused', compiled.message)
  const { pack: next } = compiled
  const current = compilePack(order.current)
  const history: PastHistory = pastOfHistory(order.past, true)
  const first = await ends.until()
  const warmedFrom = Math.min(from, Math.max((await history.startsAt()) ?? from, from - warmupOf([current, next])))
  const begin = await history.begin(warmedFrom)
  const rows = new ShadowRows({ run: order.run, version: next.loaded.hash })
  const machine = new WhatIfMachine({
    ...{ current, next, warmedFrom, from, learned: order.learned, salt: order.salt, bankBytes: order.bankBytes },
    observedSince: begin.isWhole ? order.completeSince : warmedFrom,
    stockLeft: await history.stockLeft(from, resourcesOf(order.current)),
    onCurrent: (decision) => rows.current(decision),
    onNext: (decision) => rows.next(decision),
  })
  const to = Math.max(first, from)
  const reader = new PastReader(history, {
    after: begin.after,
    from: warmedFrom,
    to,
    windowFrom: from,
    isFollowed: true,
  })
  const take = async (slice: Parameters<WhatIfMachine['take']>[0]) => {
    machine.take(slice)
    const some = rows.take().filter(({ decided_at: at }) => Number(at) >= ends.writtenUntil)
    if (some.length > 0) await ends.insert(some)
    const { decisions, differences } = rows
    const { customers } = machine
    ends.tell({ kind: 'progress', version: next.loaded.hash, at: slice.until, decisions, differences, customers })
  }
  for await (const slice of reader.slices()) await take(slice)
  for await (const slice of reader.follow(ends.until)) await take(slice)
}
