/** What is left of an erased customer, store by store, with the means to see for oneself. */
import { erasedForMs } from '../../ingest/erasure.ts'
import type { Traces } from '../../ingest/forget-customers.ts'
import type { ErasureReport, TableReport } from '../../sinks/history/history.ts'

/**
 * `gone`: nothing is left now that could be asked for. `gone_by`: nothing is made of it any more, and it is gone for good at `goneBy`. `pending`: something is left yet; ask again.
 * `unknown`: it could not be asked. `outside`: not proffer's to erase.
 */
export type StoreState = 'gone' | 'gone_by' | 'pending' | 'unknown' | 'outside'

export type StoreReceipt = {
  /** `state`, `identity`, `dead_letters`, `history.TABLE`, `log.NAME`, `backups`, `consumers`. */
  readonly store: string
  readonly state: StoreState
  /** What is left: aliases, letters, rows; null where nobody counts. */
  readonly left: number | null
  /** Unix milliseconds; null: no such date. */
  readonly goneBy: number | null
  readonly says: string
  /** The command or statement that shows it; empty: there is none. It holds the customer's id. */
  readonly verify: string
}

export type ErasureReceipt = {
  readonly customerId: string
  /** `none`: no erasure is known. `pending`: some store is not done. `done`: everything is gone, or will be by a date that is given. */
  readonly state: 'none' | 'pending' | 'done'
  /** Unix milliseconds; null: not erased. */
  readonly erasedAt: number | null
  /** Until when nothing of the customer is taken, Unix milliseconds. */
  readonly refusedUntil: number | null
  /** When this was found out, Unix milliseconds. */
  readonly asOf: number
  readonly stores: readonly StoreReceipt[]
}

/** A log that holds what customers did until its retention has passed. */
export type KeptLog = {
  /** Such as `events`, or the name of a topic. */
  readonly name: string
  /** Milliseconds from when a record is appended until it is gone for good; null: it never goes by itself. */
  readonly goneAfterMs: number | null
}

/** A failure to ask says why, in a sentence. */
export type Asked<T> =
  | { readonly kind: 'known'; readonly value: T }
  | { readonly kind: 'unknown'; readonly says: string }

export type ErasureFacts = {
  readonly customerId: string
  readonly erasedAt: number | null
  readonly known: boolean
  readonly traces: Asked<Traces>
  readonly history: Asked<ErasureReport>
  readonly logs: readonly KeptLog[]
  readonly now: number
}

/** The receipt that the facts make. */
export function receiptOf(facts: ErasureFacts): ErasureReceipt {
  const { customerId, erasedAt, now } = facts
  if (erasedAt === null) return { customerId, state: 'none', erasedAt, refusedUntil: null, asOf: now, stores: [] }
  const stores = [
    stateReceipt(facts),
    ...tracesReceipts(facts),
    ...historyReceipts(facts),
    ...facts.logs.map((log) => logReceipt(log, customerId, erasedAt)),
    ...outside(erasedAt),
  ]
  const isDone = stores.every(({ state }) => state !== 'pending' && state !== 'unknown')
  const state = isDone ? 'done' : 'pending'
  return { customerId, state, erasedAt, refusedUntil: erasedAt + erasedForMs, asOf: now, stores }
}

function stateReceipt({ customerId, known }: ErasureFacts): StoreReceipt {
  return {
    store: 'state',
    ...(known ? { state: 'pending', left: 1 } : { state: 'gone', left: 0 }),
    goneBy: null,
    says: known
      ? 'Features and contacts are still there.'
      : 'Features, contacts, suppressions and what was due are gone; a keyed hash says that they were erased. Files give freed room away when it is needed.',
    verify: `proffer inspect ${customerId}`,
  }
}

function tracesReceipts({ customerId, traces }: ErasureFacts): readonly StoreReceipt[] {
  const entry = (store: string, left: number | null, says: string): StoreReceipt => ({
    store,
    state: left === null ? 'unknown' : left === 0 ? 'gone' : 'pending',
    left,
    goneBy: null,
    says,
    verify: `proffer erasure ${customerId}`,
  })
  if (traces.kind === 'unknown') return [entry('identity', null, traces.says), entry('dead_letters', null, traces.says)]
  const { aliases, letters } = traces.value
  return [
    entry('identity', aliases, 'Aliases are linked to nobody and may be given to others.'),
    entry('dead_letters', letters, 'All letters that are kept were looked through for the id and the aliases.'),
  ]
}

function historyReceipts({ history }: ErasureFacts): readonly StoreReceipt[] {
  if (history.kind === 'unknown')
    return [{ store: 'history', state: 'unknown', left: null, goneBy: null, says: history.says, verify: '' }]
  const { state, tables } = history.value
  const entry = (table: TableReport, found: Pick<StoreReceipt, 'state' | 'says' | 'goneBy'>): StoreReceipt => ({
    store: `history.${table.table}`,
    ...found,
    left: table.rows,
    verify: table.sql,
  })
  return tables.map((table) => {
    if (state.kind !== 'gone') {
      const says =
        state.kind === 'none'
          ? 'History has not come by the erasure yet.'
          : 'Rows are being deleted and looked for once more.'
      return entry(table, { state: 'pending', goneBy: null, says })
    }
    const { filesGoneBy } = state
    if (filesGoneBy === null) return entry(table, { state: 'gone', goneBy: null, says: 'No row is left.' })
    const says = 'No row is left; files that were replaced are removed by the date.'
    return entry(table, { state: 'gone_by', goneBy: filesGoneBy, says })
  })
}

function logReceipt({ name, goneAfterMs }: KeptLog, customerId: string, erasedAt: number): StoreReceipt {
  const rest = { store: `log.${name}`, left: null, verify: `proffer erasure ${customerId}` }
  if (goneAfterMs === null)
    return {
      ...rest,
      state: 'pending',
      goneBy: null,
      says: 'The topic keeps records for ever: give it a retention, or delete them by hand.',
    }
  return {
    ...rest,
    state: 'gone_by',
    goneBy: erasedAt + goneAfterMs,
    says: 'The records stay in the log until then, for who may read it; what comes later is refused, and goes as much later.',
  }
}

function outside(erasedAt: number): readonly StoreReceipt[] {
  const rest = { state: 'outside', left: null, goneBy: null, verify: '' } as const
  const when = new Date(erasedAt).toISOString()
  return [
    {
      ...rest,
      store: 'backups',
      says: `Backups made before ${when} hold the customer until you delete them. One that is restored erases again as it reads the log.`,
    },
    { ...rest, store: 'consumers', says: 'Whoever reads the decisions has copies of their own.' },
  ]
}
