/** `proffer sources`: `list`, `revoke`, `restore` and `influenced`. */
import type { Command } from 'commander'
import { examples } from './print.ts'
import type { ProgramOptions } from './program.ts'
import type { SourceChange } from './sources.ts'

type Run = ProgramOptions['run']
type ParseNumber = (min: number, max: number) => (text: string) => number

/** Adds the commands about sources of data. */
export function addSourceCommands(program: Command, run: Run, wholeNumber: ParseNumber): void {
  const sources = program
    .command('sources')
    .description('where data comes from, what it may be used for, and which sources the bank revoked')
  // A command of its own: an option of `sources` itself would swallow the --json of the others.
  sources
    .command('list', { isDefault: true })
    .description('the sources of the pack in force')
    .option('--json', 'one JSON object instead of text')
    .action((options: { json?: boolean }) => show(run, null, options.json === true))
  const change = (name: SourceChange['change'], description: string, reason: string): void => {
    sources
      .command(name)
      .description(description)
      .argument('<id>', 'source id')
      .requiredOption('--why <text>', 'why; it is kept for ever')
      .option('--json', 'one JSON object instead of text')
      .addHelpText('after', examples(`sources ${name} web --why "${reason}"`))
      .action((id: string, options: { why: string; json?: boolean }) =>
        show(run, { id, change: name, why: options.why }, options.json === true),
      )
  }
  change(
    'revoke',
    'its events move nothing from now on but what closes, and what it brought is unknown',
    'the agreement ended',
  )
  change('restore', 'takes a revocation back: what it brought before counts again', 'the agreement was renewed')
  sources
    .command('influenced')
    .description('the decisions that a source influenced, from the history')
    .argument('<id>', 'source id')
    .option('--days <n>', 'so many days back', wholeNumber(1, 3650), 30)
    .option('--json', 'one JSON object a line instead of a table')
    .addHelpText('after', examples('sources influenced web --days 90'))
    .action((id: string, options: { days: number; json?: boolean }) =>
      run(async (config) => {
        const { withClient } = await import('./session.ts')
        const { showInfluenced } = await import('./sources.ts')
        const { days, json } = options
        return withClient(config, { history: true }, (client) =>
          showInfluenced(client, { id, days, now: Date.now() }, json === true),
        )
      }),
    )
}

function show(run: Run, change: SourceChange | null, asJson: boolean): ReturnType<Run> {
  return run(async (config) => {
    const { withClient } = await import('./session.ts')
    const { showSources } = await import('./sources.ts')
    return withClient(config, {}, (client) => showSources(client, change, asJson))
  })
}
