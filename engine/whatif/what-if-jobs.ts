/** What-ifs of this node: one at a time, in a process of its own at low priority, so that decisions do not wait for it. */
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import type { PackProblem } from '../../rules/pack-problem.ts'
import { forkSimulation } from './fork-process.ts'
import type { FromWhatIf, ToWhatIf, WhatIfOrder, WhatIfProgress, WhatIfRefusal } from './messages.ts'
import type { WhatIfReport } from './report.ts'

export type WhatIfJob = {
  readonly id: string
  /** Who asked for it. */
  readonly by: string
  /** Unix milliseconds. */
  readonly startedAt: number
  readonly state: 'running' | 'done' | 'stopped' | 'refused'
  readonly progress: WhatIfProgress | null
  readonly report: WhatIfReport | null
  /** Why there is no report, with what to do; null otherwise. */
  readonly refusal: {
    readonly code: WhatIfRefusal
    readonly message: string
    readonly problems: readonly PackProblem[]
  } | null
}

const nothing = { progress: null, report: null, refusal: null } as const

export class WhatIfJobs {
  readonly #now: () => number
  #job: WhatIfJob | null = null
  #child: ChildProcess | null = null

  constructor(now: () => number) {
    this.#now = now
  }

  /** The last one; null: there was none since the engine started. */
  get job(): WhatIfJob | null {
    return this.#job
  }

  /** Begins one; null: another is running. */
  start(order: WhatIfOrder, by: string): WhatIfJob | null {
    if (this.#job?.state === 'running') return null
    const job: WhatIfJob = { id: randomUUID(), by, startedAt: this.#now(), state: 'running', ...nothing }
    this.#job = job
    const child = forkSimulation(new URL('process.ts', import.meta.url))
    this.#child = child
    child.on('message', (message: FromWhatIf) => this.#heard(child, message))
    child.once('close', (code, signal) => {
      if (this.#child !== child) return
      this.#child = null
      const message = `The process of the what-if ended (${signal ?? `code ${code}`}).`
      this.#end('refused', { refusal: { code: 'failed', message, problems: [] } })
    })
    child.send({ kind: 'start', order } satisfies ToWhatIf, () => undefined)
    return job
  }

  /** Ends the one that runs, at once. What it found is gone. */
  stop(): WhatIfJob | null {
    const child = this.#child
    this.#child = null
    child?.kill('SIGKILL')
    this.#end('stopped', {})
    return this.#job
  }

  #heard(child: ChildProcess, message: FromWhatIf): void {
    if (this.#child !== child || this.#job === null) return
    if (message.kind === 'progress') {
      this.#job = { ...this.#job, progress: message.progress }
      return
    }
    this.#child = null
    child.kill('SIGKILL')
    if (message.kind === 'done') this.#end('done', { report: message.report })
    else this.#end('refused', { refusal: message })
  }

  #end(state: WhatIfJob['state'], more: Partial<Pick<WhatIfJob, 'report' | 'refusal'>>): void {
    if (this.#job?.state === 'running') this.#job = { ...this.#job, ...more, state }
  }
}
