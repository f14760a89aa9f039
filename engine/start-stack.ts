/** Parts that start in order, stop in reverse, and are undone when a later one fails. */

export type StartStack = {
  /** Notes how to stop what was just started. */
  push(name: string, stop: () => Promise<void> | void): void
  /** Stops everything, last first. One part's failure does not keep the others running; the first one is thrown. */
  stop(): Promise<void>
}

/** An empty stack; `onFailure` hears of each part that did not stop cleanly. */
export function createStartStack(onFailure: (name: string, cause: unknown) => void): StartStack {
  const parts: { readonly name: string; readonly stop: () => Promise<void> | void }[] = []
  return {
    push: (name, stop) => {
      parts.push({ name, stop })
    },
    stop: async () => {
      let failure: unknown = null
      for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
        try {
          await part.stop()
        } catch (cause) {
          failure ??= cause
          onFailure(part.name, cause)
        }
      }
      if (failure !== null) throw failure
    },
  }
}
