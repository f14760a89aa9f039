import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openLmdbLog } from '../../ingest/lmdb-log.ts'
import { logConformance } from '../conformance/log.ts'

const crashChild = fileURLToPath(new URL('./lmdb-log-crash-child.ts', import.meta.url))

logConformance('LMDB', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-log-'))
  return {
    open: (settings) => openLmdbLog({ dir, name: 'events', ...settings }),
    crash: () => spawn(process.execPath, [crashChild, dir], { stdio: ['ignore', 'pipe', 'inherit'] }),
    dispose: () => rm(dir, { recursive: true, force: true }),
  }
})
