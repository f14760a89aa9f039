/** The command that plays the scenarios of a pack. */
import { type Command, Option } from 'commander'
import type { ProgramOptions } from './program.ts'

type Options = {
  filter?: string
  junit?: string
  bail?: boolean
  verbose?: boolean
  coverage?: boolean
  all?: boolean
  json?: boolean
  watch?: boolean
}

/** Adds `test`. */
export function addTestCommand(program: Command, run: ProgramOptions['run']): void {
  program
    .command('test')
    .description(
      'play the scenarios of a rule pack; exit code 1 when one does not come out as expected or a guardrail lacks one, 2 when a file is wrong',
    )
    .argument('<pack>', 'folder of the pack, with a folder `scenarios` in it')
    .option('--filter <text>', 'only scenarios with this in their name or file; coverage is not judged then')
    .option('--bail', 'stop at the first scenario that fails')
    .option('--verbose', 'tell each scenario step by step')
    .option('--coverage', 'tell of each rule which scenarios met it')
    .option('--all', 'every failure and mistake, however many there are (JSON always has all)')
    .option('--junit <file>', 'also write the results to this file, for a CI server')
    .addOption(
      new Option('--watch', 'play again what changes of the files touch, until Ctrl-C').conflicts(['json', 'junit']),
    )
    .addOption(new Option('--json', 'one JSON object instead of text'))
    .action((pack: string, options: Options) =>
      run(async () => {
        const { filter = null, junit = null, bail = false, verbose = false, coverage = false, json = false } = options
        const all = options.all === true
        const flags = { filter, junit, bail, verbose, coverage, all, json }
        return options.watch === true
          ? (await import('./watch-pack.ts')).watchPack(pack, flags)
          : (await import('./test-pack.ts')).testPack(pack, flags)
      }),
    )
}
