/** A simulated day cut into slices that are lived one after the other. */
import type { EventMoment, Moment, RawMoment, RequestMoment } from '../workload/moment.ts'

/** What happens in one stretch of the simulated day. */
export type Slice = {
  readonly index: number
  readonly startMs: number
  /** Exclusive. */
  readonly endMs: number
  /** Events and broken bytes, in order of arrival. */
  readonly arriving: readonly (EventMoment | RawMoment)[]
  /** Live requests, in order; they are asked when everything that arrives is committed. */
  readonly requests: readonly RequestMoment[]
}

/**
 * Cuts moments, in order of arrival, into `count` slices of `sliceMs`, empty ones included. What is later than the last
 * slice belongs to it.
 */
export function* slicesOf(
  moments: Iterable<Moment>,
  plan: { readonly startMs: number; readonly sliceMs: number; readonly count: number },
): Generator<Slice> {
  const { startMs, sliceMs, count } = plan
  const source = moments[Symbol.iterator]()
  let next = source.next()
  for (let index = 0; index < count; index++) {
    const endMs = startMs + (index + 1) * sliceMs
    const arriving: (EventMoment | RawMoment)[] = []
    const requests: RequestMoment[] = []
    while (next.done !== true && (next.value.at < endMs || index === count - 1)) {
      if (next.value.kind === 'request') requests.push(next.value)
      else arriving.push(next.value)
      next = source.next()
    }
    yield { index, startMs: startMs + index * sliceMs, endMs, arriving, requests }
  }
}
