/** An engine in a process of its own, as a test handles it. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { QuarantinedRule } from '../../engine/shard/rule-watch.ts'
import type { PartitionStatus } from '../../engine/shard/shards.ts'
import type { GivenAnswer, NodeCall, NodePlan, NodeWord } from './node-child.ts'

/** An engine that does not start, with the code and the sentence of its refusal. */
export class NodeRefused extends Error {
  readonly code: string
  constructor(code: string, why: string) {
    super(why)
    this.code = code
  }
}

const script = fileURLToPath(new URL('./node-child.ts', import.meta.url))
const stopWithinMs = 15_000

export class FaultNode {
  /** Resolves when the process has ended, with its exit code; null: it was killed. */
  readonly ended: Promise<number | null>
  readonly #child: ChildProcess
  #running = true
  #leaving = false
  #number = 0
  readonly #open = new Map<number, (value: string | null) => void>()

  private constructor(child: ChildProcess) {
    this.#child = child
    this.ended = new Promise((resolve) => {
      child.once('exit', (code) => {
        this.#running = false
        for (const answer of this.#open.values()) answer(null)
        this.#open.clear()
        resolve(code)
      })
    })
  }

  /**
   * Starts an engine; resolves when it runs, or has ended before it did (by a failpoint).
   * @throws NodeRefused when it does not start
   */
  static start(plan: NodePlan): Promise<FaultNode> {
    const child = fork(script, [JSON.stringify(plan)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] })
    const node = new FaultNode(child)
    return new Promise((resolve, reject) => {
      child.on('message', (text: string) => {
        const word: NodeWord = JSON.parse(text)
        if (word.kind === 'running') resolve(node)
        else if (word.kind === 'refused') reject(new NodeRefused(word.code, word.why))
        else if (word.kind === 'answer') node.#answered(word.number, JSON.stringify(word.value))
      })
      void node.ended.then(() => resolve(node))
    })
  }

  get isRunning(): boolean {
    return this.#running
  }

  /** Whether it was told to end. */
  get isLeaving(): boolean {
    return this.#leaving
  }

  /** null: the process ended before it answered, or could not. */
  async decide(call: Omit<Extract<NodeCall, { ask: 'decide' }>, 'ask'>): Promise<GivenAnswer | null> {
    const answer: GivenAnswer | null = JSON.parse((await this.#call({ ask: 'decide', ...call })) ?? 'null')
    return answer
  }

  /** What became of an event; null: it is not known. */
  async applied(call: Omit<Extract<NodeCall, { ask: 'applied' }>, 'ask'>): Promise<string | null> {
    const status: string | null = JSON.parse((await this.#call({ ask: 'applied', ...call })) ?? 'null')
    return status
  }

  /** null: the process ended, or cannot tell. */
  async partitions(): Promise<readonly PartitionStatus[] | null> {
    const all: readonly PartitionStatus[] | null = JSON.parse((await this.#call({ ask: 'partitions' })) ?? 'null')
    return all
  }

  /** Somebody sets its clock so far ahead of the others; resolves when it has it. */
  async setClock(aheadMs: number): Promise<void> {
    await this.#call({ ask: 'set_clock', aheadMs })
  }

  /** Rules out of service there; null: the process ended. */
  async quarantined(): Promise<readonly QuarantinedRule[] | null> {
    const all: readonly QuarantinedRule[] | null = JSON.parse((await this.#call({ ask: 'quarantined' })) ?? 'null')
    return all
  }

  /** kill -9. Resolves when it has ended. */
  async kill(): Promise<void> {
    if (this.#running) this.#child.kill('SIGKILL')
    await this.ended
  }

  /** SIGSTOP. */
  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  /** SIGCONT. */
  resume(): void {
    this.#child.kill('SIGCONT')
  }

  /** Ends it in order; false when it had to be killed. */
  async stop(): Promise<boolean> {
    if (!this.#running) return true
    this.#leaving = true
    this.resume()
    this.#child.send(JSON.stringify({ number: 0, call: { ask: 'stop' } }), () => {})
    const late = setTimeout(() => this.#child.kill('SIGKILL'), stopWithinMs)
    const code = await this.ended
    clearTimeout(late)
    return code === 0
  }

  #call(call: NodeCall): Promise<string | null> {
    if (!this.#running || !this.#child.connected) return Promise.resolve(null)
    const number = ++this.#number
    return new Promise((resolve) => {
      this.#open.set(number, resolve)
      // Whether it was sent shows by the answer, or by the end of the process.
      this.#child.send(JSON.stringify({ number, call }), () => {})
    })
  }

  #answered(number: number, value: string): void {
    this.#open.get(number)?.(value)
    this.#open.delete(number)
  }
}
