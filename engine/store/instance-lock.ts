/**
 * One engine a data folder: a lock file that says who runs and where it listens. It survives kill -9 (the next start sees
 * that the process is gone) and is not fooled by a process id that was given to another process meanwhile.
 */
import { randomUUID } from 'node:crypto'
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { StoreError } from './store.ts'

const Holder = z.strictObject({
  id: z.string(),
  pid: z.number().int(),
  host: z.string(),
  /** Of the machine's current run; empty where the system does not tell. */
  boot: z.string(),
  /** Start of the process in the system's own unit; empty where the system does not tell. */
  started: z.string(),
  /** `host:port` of the running engine's API; null until it listens. */
  address: z.string().nullable(),
})

/** Who holds a data folder. */
export type LockHolder = Readonly<z.infer<typeof Holder>>

export type InstanceLock = {
  /** Tells the tools where the engine listens. */
  announce(address: string): void
  /** Gives the folder free. */
  release(): void
}

const fileName = 'engine.lock'
const beatMs = 5_000
/** A holder on another host is believed to be alive while its file is younger than this. */
const silentMs = 20_000

/**
 * Takes a data folder for this process.
 *
 * @throws StoreError `already_open` when another engine has it; the message says which. `store_unavailable` when it cannot be made or written
 */
export function takeInstanceLock(dir: string): InstanceLock {
  makeFolder(dir)
  const path = join(dir, fileName)
  const self: LockHolder = { id: randomUUID(), ...processIdentity(process.pid), address: null }
  const own = join(dir, `${fileName}.${self.id}`)
  inFolder(dir, () => writeFileSync(own, JSON.stringify(self), { flush: true }))
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      if (linked(own, path)) return lockOf(path, own, self)
      const holder = readHolder(path)
      if (holder !== null && isAlive(holder, path)) break
      setAside(path, holder, `${own}.stale`)
    }
  } catch (cause) {
    rmSync(own, { force: true })
    throw cause
  }
  rmSync(own, { force: true })
  const holder = readHolder(path)
  const where = holder?.address === null || holder === null ? '' : `, listening on ${holder.address}`
  throw new StoreError(
    'already_open',
    `Another engine (process ${holder?.pid ?? 'unknown'}${where}) has the data folder ${dir}. Stop it first, or use another folder.`,
    { retryable: false },
  )
}

/** Makes a folder level by level: where one cannot be made, Node's own way of making all of them may try for ever. */
function makeFolder(dir: string): void {
  const missing: string[] = []
  for (let level = resolve(dir); !existsSync(level) && level !== dirname(level); level = dirname(level))
    missing.unshift(level)
  // For the owner only: the folder holds customers' data. A folder that is there keeps the rights it was given.
  inFolder(dir, () => {
    for (const level of missing) {
      try {
        mkdirSync(level, { mode: 0o700 })
      } catch (cause) {
        // Another engine made it meanwhile.
        if (!existsSync(level)) throw cause
      }
    }
  })
}

function inFolder(dir: string, work: () => void): void {
  try {
    work()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    throw new StoreError(
      'store_unavailable',
      `The data folder ${dir} cannot be written (${code}). Set DATA_DIR to a folder that this user may write.`,
      { retryable: false, cause },
    )
  }
}

/** The engine that runs on a data folder now; null when none does. For tools; takes nothing. */
export function runningInstance(dir: string): LockHolder | null {
  const path = join(dir, fileName)
  const holder = readHolder(path)
  return holder !== null && isAlive(holder, path) ? holder : null
}

function lockOf(path: string, own: string, self: LockHolder): InstanceLock {
  rmSync(own, { force: true })
  const beat = setInterval(() => touch(path), beatMs)
  beat.unref()
  return {
    announce(address) {
      writeFileSync(own, JSON.stringify({ ...self, address }), { flush: true })
      renameSync(own, path)
    },
    release() {
      clearInterval(beat)
      if (readHolder(path)?.id === self.id) rmSync(path, { force: true })
    },
  }
}

/** Whether `path` did not exist and now is `own`. Atomic. */
function linked(own: string, path: string): boolean {
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/** Moves a dead holder's file away; puts it back when somebody else took the lock in between. */
function setAside(path: string, dead: LockHolder | null, aside: string): void {
  try {
    renameSync(path, aside)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return
    throw error
  }
  if (readHolder(aside)?.id !== dead?.id) linked(aside, path)
  rmSync(aside, { force: true })
}

/** Null when there is no file, or none that we wrote whole: then nobody holds the lock. */
function readHolder(path: string): LockHolder | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return null
  }
  try {
    const parsed = Holder.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

function isAlive(holder: LockHolder, path: string): boolean {
  const now = processIdentity(holder.pid)
  if (holder.boot !== '' && now.boot !== '' && holder.boot !== now.boot) return false
  // A process of another container or host cannot be asked; its file is kept fresh while it runs.
  if (holder.host !== now.host) return ageMs(path) < silentMs
  return processExists(holder.pid) && (holder.started === '' || holder.started === now.started)
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function processIdentity(pid: number): Omit<LockHolder, 'id' | 'address'> {
  return { pid, host: hostname(), boot: readOr('/proc/sys/kernel/random/boot_id').trim(), started: startOf(pid) }
}

/**
 * Field 22 of /proc/PID/stat (proc(5)): start time in clock ticks since boot. The name before it may hold spaces. A process
 * that was killed and not yet reaped (state Z) holds nothing any more: `dead`, which no living process has.
 */
function startOf(pid: number): string {
  const stat = readOr(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? 'dead' : (fields[19] ?? '')
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function ageMs(path: string): number {
  try {
    return Date.now() - statSync(path).mtimeMs
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

function touch(path: string): void {
  const now = new Date()
  try {
    utimesSync(path, now, now)
  } catch {
    // A folder that went away is noticed by the store.
  }
}
