/** Folders that are made once, in a cache outside the repository. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const lookEveryMs = 200

/** The folder `proffer` under `$XDG_CACHE_HOME` or `~/.cache`. */
export function cacheRoot(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'proffer')
}

/**
 * The folder of that name in the cache, made when it is not there. Any number of processes may ask at once: one makes it, the
 * folder appears whole.
 *
 * @param withinMs how long another process is waited for before this one makes it too
 * @param fill makes the folder that it is given; what it throws is thrown unless another process was quicker
 */
export async function cachedFolder(
  name: string,
  withinMs: number,
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(cacheRoot(), name)
  if (existsSync(folder)) return folder
  await mkdir(cacheRoot(), { recursive: true })
  const lock = `${folder}.lock`
  const until = performance.now() + withinMs
  // The lock only saves work: whoever fetches fills a folder of its own and renames it, so two at once do no harm.
  while (!(await taken(lock)) && performance.now() < until) {
    await sleep(lookEveryMs)
    if (existsSync(folder)) return folder
  }
  try {
    if (!existsSync(folder)) await makeWhole(folder, fill)
  } finally {
    await rm(lock, { force: true })
  }
  return folder
}

async function makeWhole(folder: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const own = `${folder}.${randomUUID()}`
  try {
    await fill(own)
    await rename(own, folder)
  } catch (cause) {
    await rm(own, { recursive: true, force: true })
    if (!existsSync(folder)) throw cause
  }
}

async function taken(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch {
    const holder = Number(await readFile(lock, 'utf8').catch(() => ''))
    // Empty for a moment while its holder writes it; a holder that was killed leaves it behind.
    if (holder > 0 && !isRunning(holder)) await rm(lock, { force: true })
    return false
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
