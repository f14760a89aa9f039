import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repayment, runEngine } from './running-engine.ts'

test('a store that is gone under a log with events is not begun anew, though no decision ever left', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'proffer-lost-'))
  try {
    const first = await runEngine({ dataDir })
    expect((await first.call('POST', '/v1/events', repayment('C1', 1))).body).toMatchObject({ accepted: 1 })
    await first.stop()
    await rm(join(dataDir, 'store'), { recursive: true })
    await expect(runEngine({ dataDir })).rejects.toMatchObject({ code: 'state_missing' })
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})
