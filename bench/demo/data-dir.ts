/** A directory of the demo's own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type DataDir = {
  readonly path: string
  /** Removes it now; doing so twice is fine. */
  remove(): void
}

/** Makes a fresh directory under the system's temporary one. Unless kept it is gone when the process ends, however it ends but by SIGKILL. */
export function createDataDir({ keep }: { readonly keep: boolean }): DataDir {
  const path = mkdtempSync(join(tmpdir(), 'proffer-demo-'))
  const remove = (): void => {
    if (!keep) rmSync(path, { recursive: true, force: true, maxRetries: 3 })
  }
  process.once('exit', remove)
  return { path, remove }
}
