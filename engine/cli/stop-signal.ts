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
