/** Changes of the files of a pack, as an author's editor makes them. */
import { type FSWatcher, watch } from 'node:fs'
import { join } from 'node:path'
import { scenarioFolder } from '../../rules/scenarios/load-scenarios.ts'

/** An editor that saves writes, renames and touches within so long, milliseconds: that is one change. */
const settleMs = 120
/** How often folders that are not there are looked for, milliseconds. */
const lookMs = 1_000

/**
 * Tells when files of a pack or its scenarios may have changed. Folders are watched, not files: editors that save by renaming another file into
 * place would leave a watched file behind. A folder that goes away is looked for until it is there again.
 *
 * @param onChange called once things have settled; what changed is for the caller to find out
 * @returns how to end it
 */
export function watchPackFiles(folder: string, onChange: () => void): () => void {
  const watchers = new Map<string, FSWatcher>()
  let settling: NodeJS.Timeout | undefined
  const settle = (): void => {
    clearTimeout(settling)
    settling = setTimeout(onChange, settleMs)
  }
  const drop = (path: string): void => {
    watchers.get(path)?.close()
    watchers.delete(path)
  }
  const open = (path: string): void => {
    if (watchers.has(path)) return
    try {
      const watcher = watch(path, (kind, name) => {
        // The folder of scenarios itself was made, renamed or taken away: the watcher may stand on the old one.
        if (path === folder && kind === 'rename' && (name === null || name === scenarioFolder)) drop(scenarios)
        settle()
        openAll()
      })
      watcher.on('error', () => {
        drop(path)
        settle()
      })
      watchers.set(path, watcher)
    } catch {
      // Not there yet, or no more: looked for again.
    }
  }
  const scenarios = join(folder, scenarioFolder)
  const openAll = (): void => {
    open(folder)
    open(scenarios)
  }
  openAll()
  const looking = setInterval(() => {
    const before = watchers.size
    openAll()
    if (watchers.size > before) settle()
  }, lookMs)
  return () => {
    clearInterval(looking)
    clearTimeout(settling)
    for (const path of [...watchers.keys()]) drop(path)
  }
}
