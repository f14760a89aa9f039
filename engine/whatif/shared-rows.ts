/**
 * Answers of history for the sides of a what-if, who ask for the same: each is asked for once. The sides have threads of their own that stand still
 * while they step, so that the thread that asks for them is another one. Each gets a copy that moves to it: the collector does not count memory that
 * threads share, and would let pages pile up.
 */
import type { Worker } from 'node:worker_threads'
import type { AskRows } from '../../sinks/history/record-rows.ts'

/** What a side asks. */
export type RowsAsked = {
  readonly kind: 'rows'
  readonly id: number
  readonly query: string
  readonly params: Readonly<Record<string, unknown>>
}

/** `sentence`: history did not answer; it names no data. */
export type RowsAnswered =
  | { readonly kind: 'rows'; readonly id: number; readonly bytes: ArrayBuffer }
  | { readonly kind: 'no_rows'; readonly id: number; readonly sentence: string }

type Waiting = { readonly bytes: Promise<ArrayBuffer>; size: number; left: number }

/** Most bytes that lie here for a side that is behind: what is dropped it asks for by itself. */
const waitingBytesMax = 256 * 2 ** 20

export class SharedRows {
  readonly #ask: AskRows
  readonly #sides: number
  /** By question, the oldest first. */
  readonly #waiting = new Map<string, Waiting>()
  #bytes = 0

  /** @param sides how many will ask for each answer */
  constructor(ask: AskRows, sides: number) {
    this.#ask = ask
    this.#sides = sides
  }

  /** Answers a side. */
  async answer(worker: Pick<Worker, 'postMessage'>, { id, query, params }: RowsAsked): Promise<void> {
    try {
      const bytes = await this.#rows(query, params)
      worker.postMessage({ kind: 'rows', id, bytes } satisfies RowsAnswered, [bytes])
    } catch (cause) {
      const sentence = cause instanceof Error ? cause.message : 'history failed'
      worker.postMessage({ kind: 'no_rows', id, sentence } satisfies RowsAnswered)
    }
  }

  async #rows(query: string, params: RowsAsked['params']): Promise<ArrayBuffer> {
    const key = JSON.stringify([query, params])
    const waiting = this.#waiting.get(key) ?? this.#begin(key, query, params)
    waiting.left--
    const isLast = waiting.left === 0
    if (isLast) this.#drop(key, waiting)
    const bytes = await waiting.bytes
    // Who asked before has its copy by now.
    return isLast ? bytes : bytes.slice(0)
  }

  #begin(key: string, query: string, params: RowsAsked['params']): Waiting {
    const bytes = this.#ask(query, params).then(({ buffer }) => buffer)
    const waiting: Waiting = { bytes, size: 0, left: this.#sides }
    this.#waiting.set(key, waiting)
    bytes.then(
      ({ byteLength }) => {
        if (this.#waiting.get(key) !== waiting) return
        waiting.size = byteLength
        this.#bytes += byteLength
        for (const [oldest, one] of this.#waiting) {
          if (this.#bytes <= waitingBytesMax) return
          this.#drop(oldest, one)
        }
      },
      () => this.#drop(key, waiting),
    )
    return waiting
  }

  #drop(key: string, waiting: Waiting): void {
    if (this.#waiting.get(key) !== waiting) return
    this.#waiting.delete(key)
    this.#bytes -= waiting.size
  }
}
