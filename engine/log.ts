/** JSON logs on stdout, for the machine that runs proffer. No customer data: events are counted, never printed. */
import { pino } from 'pino'

export type Logger = {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** A logger; `silent` prints nothing (commands, the demo). Lines go to stderr when stdout belongs to a command's answer. */
export function createLogger(level: string, stream: 'stdout' | 'stderr'): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination(stream === 'stdout' ? 1 : 2),
  )
}
