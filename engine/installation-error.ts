/** An installation that cannot be used as asked; the message says what to do. */
export class InstallationError extends Error {
  readonly code:
    | 'partitions_changed'
    | 'clock_changed'
    | 'changed_meanwhile'
    | 'log_changed'
    | 'state_missing'
    | 'pack_differs'
    | 'pack_unproven'
    | 'nodes_need_redis'
    | 'redis_unfit'
    | 'secret_unreadable'
    | 'learned_refused'

  constructor(code: InstallationError['code'], message: string, options?: { readonly cause: unknown }) {
    super(message, options)
    this.code = code
  }
}
