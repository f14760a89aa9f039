import { join } from 'node:path'
import { shardsConformance } from '../../conformance/shards.ts'

shardsConformance('LMDB', (dir) => ({ kind: 'lmdb', dir: join(dir, 'store'), journalBytes: 64 * 1_024 }))
