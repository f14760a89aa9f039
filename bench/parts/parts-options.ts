/** The command line of `npm run parts`. */
import { Argument, Command, CommanderError } from 'commander'
import { type PartName, partNames } from './parts.ts'

export type PartsOptions = { readonly names: readonly PartName[]; readonly json: boolean }

export type ParsedPartsOptions =
  | { readonly kind: 'run'; readonly options: PartsOptions }
  | { readonly kind: 'exit'; readonly code: 0 | 2 }

/**
 * Reads the arguments behind the program's name. Wrong ones are told in a sentence on stderr: exit code 2; `--help` prints the
 * help: exit code 0. No name means all parts.
 */
export function parsePartsOptions(args: readonly string[]): ParsedPartsOptions {
  const command = new Command('npm run parts --')
    .description(
      'Starts the real servers that the engine works with, on free ports of 127.0.0.1, prints the settings to use them, and ' +
        'runs until Ctrl-C or SIGTERM. Then it stops them and removes their data.',
    )
    .addArgument(new Argument('[names...]', 'which; all when none is named').choices(partNames))
    .option('--json', 'one line of JSON on stdout when all are up')
    .showHelpAfterError('(--help shows the usage)')
    .exitOverride()
  try {
    command.parse(args, { from: 'user' })
  } catch (cause) {
    if (cause instanceof CommanderError) return { kind: 'exit', code: cause.exitCode === 0 ? 0 : 2 }
    throw cause
  }
  const asked = new Set(command.args)
  const names = asked.size === 0 ? partNames : partNames.filter((name) => asked.has(name))
  return { kind: 'run', options: { names, json: command.opts<{ json?: boolean }>().json === true } }
}
