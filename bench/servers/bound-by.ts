import { cpus } from 'node:os'
import { shown } from '../report.ts'
import type { Span } from './measure-span.ts'

/** How many events a second a span let through. */
export function rateOf({ events, seconds }: Span): number {
  return events / seconds
}

/**
 * What bounds the rate of an engine's span, in words: where the CPU of the machine went, what rate each of two ceilings would
 * allow (all cores with nothing else to do, the busiest thread alone), and what others took meanwhile.
 */
export function boundOf(span: Span): string {
  const { cpuUs, threadsUs, othersCores } = span
  const cores = cpus().length
  const servers = [cpuUs.redis, cpuUs.broker].filter((us) => !Number.isNaN(us))
  const whole = cpuUs.contender + servers.reduce((sum, us) => sum + us, 0)
  const busiest = Math.max(threadsUs.worker, threadsUs.main)
  const us = (value: number) => (Number.isNaN(value) ? 'unknown' : `${value.toFixed(1)} us`)
  const rate = (microseconds: number) => `${shown(Math.round(1e6 / microseconds))}/s`
  return (
    `CPU, ${us(whole)} an event on ${cores} cores: worker ${us(threadsUs.worker)}, main ${us(threadsUs.main)}, ` +
    `the engine's other threads ${us(threadsUs.rest)}, broker ${us(cpuUs.broker)}, Redis ${us(cpuUs.redis)}. ` +
    `All cores would allow ${rate(whole / cores)}, the busiest thread alone ${rate(busiest)}; ` +
    `the rest of the machine took ${othersCores.toFixed(2)} cores meanwhile`
  )
}
