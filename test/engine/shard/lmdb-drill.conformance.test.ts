import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { drillConformance } from '../../conformance/backup-drill.ts'

drillConformance('LMDB', {
  makePlace: (dir) => ({ kind: 'lmdb', dir: join(dir, 'store'), journalBytes: 64 * 1_024 }),
  async wipe(place) {
    if (place.kind === 'lmdb') await rm(place.dir, { recursive: true })
  },
})
