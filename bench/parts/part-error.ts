/**
 * A real part that cannot be had. `part_missing`: something has to be installed or fetched first, the message says what.
 * `part_failed`: it is there but did not start, or did not do what it was told; the message ends in its own last words.
 */
export class PartError extends Error {
  readonly code: 'part_missing' | 'part_failed'
  /** Whether trying again, with nothing else changed, may help. */
  readonly retryable = false
  constructor(code: 'part_missing' | 'part_failed', message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

/** The message of anything thrown, for a sentence that goes on with it. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
