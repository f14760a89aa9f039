import type { Arena } from './arena.ts'

/** 2^32: instants are kept as an unsigned 32-bit low part and an unsigned 16-bit high part, exact to the year 10889. */
export const HIGH = 0x1_0000_0000

/** A failure with a stable code, see `README.md`. */
export class StateError extends Error {
  readonly code: 'cache_full' | 'state_corrupt'
  constructor(code: 'cache_full' | 'state_corrupt', message: string) {
    super(message)
    this.code = code
  }
}

/** The arena with somebody who makes room when it is full. The views never change. */
export class Heap {
  readonly f64: Float64Array
  readonly u32: Uint32Array
  readonly u16: Uint16Array
  readonly u8: Uint8Array
  readonly arena: Arena
  readonly #makeRoom: () => boolean

  /** @param makeRoom evicts a customer that may go; false when there is none */
  constructor(arena: Arena, makeRoom: () => boolean) {
    this.arena = arena
    this.f64 = arena.f64
    this.u32 = arena.u32
    this.u16 = arena.u16
    this.u8 = arena.u8
    this.#makeRoom = makeRoom
  }

  /**
   * A block of at least `bytes`, never 0.
   * @throws StateError `cache_full` when everything cached is pinned
   */
  take(bytes: number): number {
    for (;;) {
      const pointer = this.arena.alloc(bytes)
      if (pointer !== 0) return pointer
      if (!this.#makeRoom()) throw new StateError('cache_full', 'every cached customer is in use by an open batch')
    }
  }

  /** Gives a block back; 0 is nothing. */
  give(pointer: number): void {
    if (pointer !== 0) this.arena.free(pointer)
  }
}
