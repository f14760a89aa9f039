/**
 * A history folder with all tables and no rows. A fresh one costs a second of processor time to make, a copy of this one some
 * milliseconds: for tests that are about what a history holds, not about how it comes to be.
 */
import { cp, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startHistory } from '../../sinks/history/start-history.ts'

/** Days for which rows are kept in the folder; a history that starts with others changes its tables first. */
export const migratedRetentionDays = 400

const startWithinMs = 60_000

export type MigratedHistory = {
  /** Made at the first call; null where the embedded ClickHouse does not run. */
  folder(): Promise<string | null>
  remove(): Promise<void>
}

/** Makes the folder once, for a whole run. */
export function createMigratedHistory(): MigratedHistory {
  let dir: string | null = null
  let made: Promise<string | null> | null = null
  async function make(): Promise<string | null> {
    dir = await mkdtemp(join(tmpdir(), 'proffer-migrated-'))
    const history = await startHistory({
      dataDir: dir,
      log: { kind: 'lmdb', dir: join(dir, 'log') },
      erasure: { key: 'a key for tests only', signingSecret: null },
      retentionDays: migratedRetentionDays,
    })
    const until = Date.now() + startWithinMs
    const state = () => history.status().state
    while (state() !== 'running' && state() !== 'off' && Date.now() < until) await sleep(20)
    const isMade = state() === 'running'
    await history.stop(3_000)
    return isMade ? join(dir, 'history') : null
  }
  return {
    folder() {
      made ??= make()
      return made
    },
    async remove() {
      await made
      if (dir !== null) await rm(dir, { recursive: true, force: true })
    },
  }
}

/** Puts a copy under a data directory that has no history yet. Only in a test file: asks the run for the folder. */
export async function copyMigratedHistory(dataDir: string): Promise<void> {
  const to = join(dataDir, 'history')
  if (await exists(to)) return
  const { inject } = await import('vitest')
  const answer: unknown = await (await fetch(`${inject('partsHost')}/migrated-history`)).json()
  if (typeof answer === 'string') await cp(answer, to, { recursive: true, verbatimSymlinks: true })
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
