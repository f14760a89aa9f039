import { join } from 'node:path'
import { backfillConformance } from '../../conformance/backfill.ts'

backfillConformance('LMDB', (dir) => ({ kind: 'lmdb', dir: join(dir, 'store'), journalBytes: 64 * 1_024 }), 10)
