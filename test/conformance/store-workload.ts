/**
 * A deterministic stream of commits: what commit `to` writes follows from `to` alone, so that a checker can tell from the
 * stored seq what has to be there, and what must not.
 */
import type { Due } from '../../engine/state/states.ts'
import type { Commit, CommitMeta, Store, StoreWrite } from '../../engine/store/store.ts'

export const zeroMeta: CommitMeta = {
  next: 0,
  appendTime: 0,
  clock: 0,
  pack: 'pack',
  activation: 0,
  published: 0,
  dpos: 0,
  adopting: null,
  begun: [],
  fill: null,
  accepted: 0,
  duplicates: 0,
  deadLettered: 0,
  decisions: 0,
}

const customers = 20
const patchesBeforeBase = 5

/** Which customers commit `to` touches. */
function touched(to: number): string[] {
  const ids = new Set<string>()
  for (let i = 0; i < 6; i++) ids.add(`C${(to * 7 + i * i * 3) % customers}`)
  return [...ids]
}

/** What a store holds after the commits 1 to `seq`. */
export function expectedStates(seq: number): Map<string, { base: string | null; patches: string[] }> {
  const states = new Map<string, { base: string | null; patches: string[] }>()
  for (let to = 1; to <= seq; to++) {
    for (const id of touched(to)) {
      const state = states.get(id) ?? { base: null, patches: [] }
      states.set(
        id,
        state.patches.length >= patchesBeforeBase
          ? { base: `base ${id} ${to} ${'b'.repeat(to % 700)}`, patches: [] }
          : { base: state.base, patches: [...state.patches, `patch ${id} ${to}`] },
      )
    }
  }
  return states
}

/** What commit `to` says of the due index: entries that come, move, meet at one instant and go, also of customers it does not write. */
function due(to: number): Due[] {
  if (to % 4 === 0) return []
  return [to * 7, to * 11 + 1, to * 5 + 2].map((n, i) => {
    const at = (to + i) % 5 === 0 ? 0 : 1_700_000_000_000 + ((to * 37) % 20) * 1_000
    return { customerId: `C${n % customers}`, at }
  })
}

/** The due index after the commits 1 to `seq`, in order. */
export function expectedDue(seq: number): Due[] {
  const all = new Map<string, number>()
  for (let to = 1; to <= seq; to++) for (const { customerId, at } of due(to)) all.set(customerId, at)
  return [...all]
    .filter(([, at]) => at > 0)
    .map(([customerId, at]) => ({ customerId, at }))
    .sort((a, b) => a.at - b.at || (a.customerId < b.customerId ? -1 : 1))
}

/** The commit that brings the workload from `to - 1` to `to`. */
export function workloadCommit(token: string, to: number): Commit {
  const before = expectedStates(to - 1)
  const after = expectedStates(to)
  const writes: StoreWrite[] = touched(to).map((customerId) => {
    const state = after.get(customerId)
    const patches = before.get(customerId)?.patches.length ?? 0
    const last = state?.patches.at(-1)
    return last === undefined
      ? { kind: 'base', customerId, bytes: Buffer.from(state?.base ?? ''), patches }
      : { kind: 'patch', customerId, index: patches, bytes: Buffer.from(last) }
  })
  return {
    token,
    from: to - 1,
    to,
    meta: { ...zeroMeta, next: to * 10, published: Math.max(0, to - 5) },
    writes,
    due: due(to),
    outbox: to % 3 === 0 ? null : Buffer.from(`out ${to}`),
    trim: Math.max(0, to - 5),
    notAfter: null,
  }
}

/** What a store holds of the workload, in the same shape as `expectedStates`. */
export async function storedStates(store: Store): Promise<Map<string, { base: string | null; patches: string[] }>> {
  const ids = Array.from({ length: customers }, (_, i) => `C${i}`)
  const loaded = await store.load(0, ids)
  const states = new Map<string, { base: string | null; patches: string[] }>()
  loaded.forEach((stored, i) => {
    if (stored === null) return
    states.set(ids[i] ?? '', {
      base: stored.base === null ? null : Buffer.from(stored.base).toString(),
      patches: stored.patches.map((patch) => Buffer.from(patch).toString()),
    })
  })
  return states
}

/** Seqs and texts of the outbox values that have to be there after `seq`. */
export function expectedOutbox(seq: number): string[] {
  const values: string[] = []
  for (let to = Math.max(0, seq - 5) + 1; to <= seq; to++) if (to % 3 !== 0) values.push(`${to} out ${to}`)
  return values
}

export async function storedOutbox(store: Store, from: number, to: number): Promise<string[]> {
  const values = await store.outbox(0, from, to)
  return values.map(({ seq, value }) => `${seq} ${Buffer.from(value).toString()}`)
}
