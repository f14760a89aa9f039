/** Named moments of a batch, in their order, at which tests end the process or the thread to prove that nothing is lost. */
export const failpointNames = [
  'collected',
  'loaded',
  'stepped',
  'reserved',
  'committed',
  'installed',
  'released',
  'publishing',
  'published',
  'drained',
] as const
export type FailpointName = (typeof failpointNames)[number]

/** Called when a batch passes a moment; in production it does nothing. */
export type Failpoint = (name: FailpointName) => void

/** A failpoint as data, so that it can cross to a worker thread. */
export type FailAt = {
  readonly name: FailpointName
  /** On which passing, from 1. */
  readonly passing: number
  /** `kill`: the process ends as by SIGKILL. `exit_thread`: only the worker thread ends. */
  readonly how: 'kill' | 'exit_thread'
}

/** The failpoint that does what `failAt` says, or nothing when it is null. */
export function createFailpoint(failAt: FailAt | null): Failpoint {
  if (failAt === null) return () => {}
  let left = failAt.passing
  return (name) => {
    if (name !== failAt.name) return
    left--
    if (left !== 0) return
    if (failAt.how === 'kill') process.kill(process.pid, 'SIGKILL')
    else process.exit(70)
  }
}
