/**
 * A program that cannot outlive the process that started it, not even when that one ends by kill -9: a shell of a few
 * hundred kilobytes beside it reads a pipe from us, and the kernel closes that pipe whatever way we end. (The pipe is not the standard input: Node
 * closes that one before it tells that the program has ended.)
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

export type ProcessEnd = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

export type TetheredProcess = {
  /** Of the program itself, not of the shell beside it. */
  readonly pid: number
  /** Resolves when the program has ended, whoever ended it. */
  readonly ended: Promise<ProcessEnd>
  isRunning(): boolean
  /** The last lines it wrote on either output, at most 8 KB. */
  lastWords(): string
  /** Asks it to end by SIGTERM; after `deadlineMs` ends it by SIGKILL, at once when that is 0. Resolves when it has ended. */
  end(deadlineMs: number): Promise<void>
}

export type TetherOptions = {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Folder that is removed when we die without having ended the program; null: none. */
  readonly removeWithUs: string | null
}

/**
 * The shell becomes the program (`exec`), so its process id, its signals and its exit code are the program's. A line on the pipe
 * means that the program has ended and nothing is left to do; the end of the pipe means that we are gone.
 */
const tether = `
(
  trap '' HUP INT TERM
  read -r _ <&3 && exit 0
  kill -9 "$$"
  [ -z "$TETHER_FOLDER" ] || rm -rf -- "$TETHER_FOLDER" || { sleep 1; rm -rf -- "$TETHER_FOLDER"; }
) </dev/null >/dev/null 2>&1 &
exec 3<&-
unset TETHER_FOLDER
exec "$@"
`
const wordsBytes = 8_192

/** Starts a program in a process group of its own, so that Ctrl-C in a terminal reaches us only and we end it in order. */
export function startTethered({ command, args, env, removeWithUs }: TetherOptions): TetheredProcess {
  const child = spawn('/bin/sh', ['-c', tether, 'tether', command, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...env, TETHER_FOLDER: removeWithUs ?? '' },
    detached: true,
  })
  const words = hear(child)
  const line = child.stdio[3]
  assert(line instanceof Writable, 'the third extra descriptor is a pipe')
  // The shell may have been killed with its program; then there is nobody left to tell.
  line.on('error', () => line.destroy())
  let running = true
  const ended = new Promise<ProcessEnd>((resolve) => {
    const finish = (end: ProcessEnd) => {
      running = false
      line.end('ended\n')
      resolve(end)
    }
    child.once('exit', (code, signal) => finish({ code, signal }))
    child.once('error', () => finish({ code: null, signal: null }))
  })
  return {
    pid: child.pid ?? 0,
    ended,
    isRunning: () => running,
    lastWords: () => words().trim(),
    async end(deadlineMs) {
      if (!running) return
      if (deadlineMs > 0) {
        child.kill('SIGTERM')
        await Promise.race([ended, sleep(deadlineMs, undefined, { ref: false })])
      }
      if (running) child.kill('SIGKILL')
      await ended
    },
  }
}

function hear(child: ChildProcess): () => string {
  let words = ''
  const add = (text: string) => {
    words = (words + text).slice(-wordsBytes)
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8')
    stream?.on('data', add)
  }
  return () => words
}
