/** The command that computes the past again. */
import type { Command } from 'commander'
import { examples } from './print.ts'
import type { ProgramOptions } from './program.ts'

type ReplayFlags = { day?: string; from?: string; to?: string; json?: boolean }

/** Adds `replay`. */
export function addReplayCommand(program: Command, { run }: Pick<ProgramOptions, 'run'>): void {
  program
    .command('replay')
    .description('compute a decision again, or every decision of a day, and compare the records byte by byte')
    .argument('[decision]', 'decision id')
    .option('--day <date>', "every decision of a day in the bank's zone, such as 2026-11-25")
    .option('--from <instant>', 'with --to: every decision from this instant on, such as 2026-11-25T00:00:00Z')
    .option('--to <instant>', 'the instant behind the last one')
    .option('--json', 'one JSON object instead of text')
    .addHelpText(
      'after',
      examples(
        'replay e0d94784278303c5a8992d3979acab22',
        'replay --day 2026-11-25',
        'replay --from 2026-11-25T00:00:00Z --to 2026-11-25T06:00:00Z',
      ),
    )
    .action((decision: string | undefined, flags: ReplayFlags) =>
      run(async (config) => {
        const { withClient } = await import('./session.ts')
        const { replayDecision, replaySpan } = await import('./replay.ts')
        const { stopSignal } = await import('./stop-signal.ts')
        const { day, from, to } = flags
        const json = flags.json === true
        const isSpan =
          day !== undefined ? from === undefined && to === undefined : from !== undefined && to !== undefined
        if (decision !== undefined && day === undefined && from === undefined && to === undefined)
          return withClient(config, { history: true }, (client) => replayDecision(client, decision, json))
        if (decision === undefined && isSpan) {
          const query = new URLSearchParams(day !== undefined ? { day } : { from: from ?? '', to: to ?? '' })
          const span = { query: query.toString(), json, signal: stopSignal() }
          return withClient(config, { history: true }, (client) => replaySpan(client, span))
        }
        process.stderr.write('Give a decision id, --day DATE, or --from and --to. See proffer replay --help.\n')
        return 2
      }),
    )
}
