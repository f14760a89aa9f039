import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkLog } from '../../../engine/cli/restore-log.ts'
import { openLmdbLog } from '../../../ingest/lmdb-log.ts'
import type { Log } from '../../../ingest/log.ts'
import { loadCluster } from '../../conformance/store-load.ts'

const hourMs = 3_600_000

describe('a backup and the log it is to go on with', () => {
  let dir = ''
  let nowMs = 1_760_000_000_000
  let events: Log
  let decisions: Log
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'proffer-restore-log-'))
    const open = (name: string) =>
      openLmdbLog({ dir: join(dir, name), name, partitions: 1, now: () => nowMs, retentionMs: hourMs, maxBytes: 1e8 })
    events = await open('events')
    decisions = await open('decisions')
    for (const log of [events, decisions]) await fill(log, 10)
  })
  afterEach(async () => {
    await events.close()
    await decisions.close()
    await rm(dir, { recursive: true })
  })

  const fill = (log: Log, count: number) =>
    log.append(
      0,
      Array.from({ length: count }, () => ({ key: 'C1', value: Buffer.from('x') })),
    )
  const check = (position: { next: number; dpos?: number; appendTime?: number }, identity = 'log') => {
    const rest = { partition: 0, seq: 1, states: 0, gone: 0, outbox: 0, tombstones: 0, due: 0 }
    const backed = { ...rest, dpos: 0, appendTime: nowMs, ...position }
    return checkLog({ cluster: loadCluster, manifest: { partitions: [backed] } }, { identity, events, decisions })
  }

  it('belong together when every position is in the log', async () => {
    expect(await check({ next: 10 })).toEqual({ refusals: [], warnings: [] })
    expect(await check({ next: 3 })).toEqual({ refusals: [], warnings: [] })
  })

  it('do not when it is another log, or one that has not come so far', async () => {
    expect(await check({ next: 3 }, 'another')).toEqual({
      refusals: [expect.stringContaining('made from the log "log" and this is "another"')],
      warnings: [],
    })
    expect(await check({ next: 11 })).toEqual({ refusals: [expect.stringContaining('log_reset')], warnings: [] })
  })

  it('have a gap between them when the log has dropped what the backup needs, which is told with its dates', async () => {
    const then = new Date(nowMs).toISOString().slice(0, 10)
    nowMs += 3 * hourMs
    for (const log of [events, decisions]) {
      await fill(log, 5)
      await log.trim()
    }
    expect((await events.bounds(0)).start).toBe(10)
    const { refusals, warnings } = await check({ next: 4, appendTime: nowMs - 3 * hourMs })
    expect(refusals).toEqual([])
    expect(warnings).toEqual([
      expect.stringMatching(new RegExp(`log_gap: .*from ${then} .* erasures among them`)),
      expect.stringContaining('the decisions log begins at 10'),
    ])
  })
})
