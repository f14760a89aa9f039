import { backupConformance } from '../../../conformance/backup.ts'

backupConformance('the embedded store', {
  start: async () => {},
  stop: async () => {},
  // A small journal, so that a copy meets patches that are folded and others that are not.
  makePlace: (dir) => ({ kind: 'lmdb', dir, journalBytes: 30_000 }),
})
