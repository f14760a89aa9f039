/** What may be said of an error: its code, whether to try again, where it was raised. Never its message, which may hold values. */

/** The error's code; empty: it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Whether the same call may succeed later. */
export function isRetryable(error: unknown): error is Error {
  return error instanceof Error && 'retryable' in error && error.retryable === true
}

/** Kind of an error and where it was raised. */
export function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'an unknown failure'
  const frame = error.stack?.split('\n').find((line) => line.trimStart().startsWith('at ')) ?? ''
  return `${error.name} ${frame.trim().replace(/\(.*\/(engine|rules|ingest|sinks)\//, '($1/')}`
}
