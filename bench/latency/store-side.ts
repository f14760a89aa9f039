/**
 * Commit times from the store's side: LMDB's own account of its transactions. All threads of a process share one
 * environment a folder, so opening it first with its metrics on, with the store's own options, is enough to read them.
 */
import { open, type RootDatabase } from 'lmdb'
import { sharedNow } from './gc-watch.ts'

/** What LMDB did between two looks. */
export type StoreSample = {
  /** When, ms of the shared clock. */
  readonly at: number
  readonly transactions: number
  /** Mean milliseconds of a transaction from the write lock to durable, and of that handing its pages to the system. */
  readonly transactionMs: number
  readonly flushMs: number
  readonly pagesWritten: number
}

export type StoreWatch = {
  /** What happened since the last call; null when nothing did. */
  take(): StoreSample | null
  close(): Promise<void>
}

/** Opens the environment of a store folder. Call it before the engine opens the store. */
export function watchStore(dir: string): StoreWatch {
  const root: RootDatabase = open({
    path: dir,
    noSubdir: false,
    overlappingSync: false,
    eventTurnBatching: false,
    mapSize: 128 * 2 ** 30,
    maxDbs: 8,
    keyEncoding: 'binary',
    encoding: 'binary',
    ...{ trackMetrics: true },
  })
  let before = read(root)
  return {
    take() {
      const now = read(root)
      const transactions = now.txns - before.txns
      const last = before
      before = now
      if (transactions <= 0) return null
      return {
        at: sharedNow(),
        transactions,
        transactionMs: ((now.timeDuringTxns - last.timeDuringTxns) * 1_000) / transactions,
        flushMs: ((now.timePageFlushes - last.timePageFlushes) * 1_000) / transactions,
        pagesWritten: (now.pagesWritten - last.pagesWritten) / transactions,
      }
    },
    close: () => root.close(),
  }
}

type Counters = Readonly<Record<'txns' | 'timeDuringTxns' | 'timePageFlushes' | 'pagesWritten', number>>

function read(root: RootDatabase): Counters {
  const stats: Readonly<Record<string, unknown>> = { ...root.getStats() }
  const of = (name: keyof Counters): number => {
    const value = stats[name]
    return typeof value === 'number' ? value : Number.NaN
  }
  return {
    txns: of('txns'),
    timeDuringTxns: of('timeDuringTxns'),
    timePageFlushes: of('timePageFlushes'),
    pagesWritten: of('pagesWritten'),
  }
}
