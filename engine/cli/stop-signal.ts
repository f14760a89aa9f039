/** SIGINT and SIGTERM as an AbortSignal. */

/** Aborts at the first SIGINT or SIGTERM; a second one ends the process at once with exit code 130. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController()
  const stop = () => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return controller.signal
}

/**
 * Calls `end` when so long has passed since the signal. A store without room or a thread that hangs must not keep the process:
 * what is not committed by then was not acknowledged, and a start goes on where the last commit ended.
 */
export function endAfter(signal: AbortSignal, deadlineMs: number, end: () => void): void {
  const wait = () => void setTimeout(end, deadlineMs).unref()
  if (signal.aborted) wait()
  else signal.addEventListener('abort', wait, { once: true })
}
