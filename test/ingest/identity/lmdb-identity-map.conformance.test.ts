import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLmdbIdentityMap } from '../../../ingest/identity/lmdb-identity-map.ts'
import { identityMapConformance } from '../../conformance/identity-map.ts'

identityMapConformance('the LMDB map', {
  makePlace: () => mkdtemp(join(tmpdir(), 'proffer-identity-')),
  open: async (dir, options) => openLmdbIdentityMap({ dir, now: () => 5_000, ...options }),
  dump: (dir) => readFile(join(dir, 'data.mdb'), 'latin1'),
  removePlace: (dir) => rm(dir, { recursive: true, force: true }),
})
