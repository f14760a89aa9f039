/** How far something long is, on stderr when that is a terminal. */
import type { BackupProgress } from '../store/backup/backup-tally.ts'

const everyMs = 250

/** Tells the progress of a backup or restore on one line; `done` ends the line. */
export type ProgressLine = { update(progress: BackupProgress): void; done(): void }

/** @param isQuiet nothing is told */
export function progressLine(what: string, isQuiet: boolean): ProgressLine {
  const { stderr } = process
  if (isQuiet || !stderr.isTTY) return { update: () => {}, done: () => {} }
  const started = performance.now()
  let toldAt = 0
  let hasTold = false
  return {
    update({ states, bytes }) {
      const now = performance.now()
      if (now - toldAt < everyMs) return
      toldAt = now
      hasTold = true
      const rate = megabytes(bytes / Math.max(0.001, (now - started) / 1_000))
      stderr.write(`\r${what}: ${states.toLocaleString('en-US')} customers, ${megabytes(bytes)}, ${rate}/s   `)
    },
    done() {
      if (hasTold) stderr.write('\r\u001b[K')
    },
  }
}

/** Bytes as people read them. */
export function megabytes(bytes: number): string {
  const mb = bytes / 1_000_000
  return mb < 10_000 ? `${mb.toFixed(1)} MB` : `${(mb / 1_000).toFixed(1)} GB`
}
