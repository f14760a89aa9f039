/** The command line of the demo. */
import { Command, CommanderError, InvalidArgumentError } from 'commander'

export type DemoOptions = {
  /** What is sent in all, history, duplicates and broken bytes included; raised to what the stories need. */
  readonly events: number
  readonly seed: number
  /** Wall time of the simulated day. */
  readonly seconds: number
  readonly json: boolean
  /** Leave the data directory behind. */
  readonly keep: boolean
  /** Copy to ClickHouse and query it at the end. */
  readonly history: boolean
  /** Engines that share the work on real servers; 1: one, embedded. */
  readonly nodes: number
}

export type ParsedOptions =
  | { readonly kind: 'run'; readonly options: DemoOptions }
  | { readonly kind: 'exit'; readonly code: 0 | 2 }

const bounds = {
  events: { least: 1, most: 2_000_000, usual: 200_000 },
  seed: { least: 0, most: 2_147_483_647, usual: 1 },
  seconds: { least: 1, most: 3_600, usual: 60 },
  nodes: { least: 1, most: 4, usual: 1 },
} as const

/**
 * Reads the arguments behind the program's name. Wrong ones are told in a sentence on stderr: exit code 2; `--help` prints the
 * help: exit code 0.
 */
export function parseOptions(args: readonly string[]): ParsedOptions {
  const command = new Command('npm run demo --')
    .description(
      'A synthetic bank lives one day in about a minute through the real engine: events in, features counted, triggers ' +
        'fired, forbidden offers stopped, decisions made, each with its reasons. The same seed gives the same decisions. ' +
        'Everything lives in a temporary directory that is removed at the end.',
    )
    .option(
      '--events <n>',
      'events in all, what came before the day included (at least what the stories need)',
      wholeFrom(bounds.events),
      bounds.events.usual,
    )
    .option('--seed <n>', 'another bank, another day', wholeFrom(bounds.seed), bounds.seed.usual)
    .option('--seconds <n>', 'how long the simulated day takes', wholeFrom(bounds.seconds), bounds.seconds.usual)
    .option('--json', 'one JSON object on the last line of stdout; everything else goes to stderr')
    .option('--keep', 'keep the data directory and print how to explore it')
    .option('--no-history', 'without ClickHouse')
    .option(
      '--nodes <n>',
      'instead: so many engines on real Kafka, Redis and ClickHouse, stopped, paused and killed under load',
      wholeFrom(bounds.nodes),
      bounds.nodes.usual,
    )
    .allowExcessArguments(false)
    .showHelpAfterError('(--help shows the usage)')
    .exitOverride()
  try {
    command.parse(args, { from: 'user' })
  } catch (cause) {
    if (cause instanceof CommanderError) return { kind: 'exit', code: cause.exitCode === 0 ? 0 : 2 }
    throw cause
  }
  const given = command.opts<Partial<DemoOptions>>()
  return {
    kind: 'run',
    options: {
      events: given.events ?? bounds.events.usual,
      seed: given.seed ?? bounds.seed.usual,
      seconds: given.seconds ?? bounds.seconds.usual,
      json: given.json === true,
      keep: given.keep === true,
      history: given.history !== false,
      nodes: given.nodes ?? bounds.nodes.usual,
    },
  }
}

function wholeFrom({ least, most }: { readonly least: number; readonly most: number }): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= least && value <= most))
      throw new InvalidArgumentError(`It has to be a whole number from ${least} to ${most}.`)
    return value
  }
}
