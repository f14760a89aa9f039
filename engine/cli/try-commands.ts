/** The commands that try a change without effect. */
import { type Command, Option } from 'commander'
import type { Config } from '../config.ts'
import type { Client } from './client.ts'
import { examples } from './print.ts'
import type { ProgramOptions } from './program.ts'

type Run = ProgramOptions['run']
type ParseNumber = (min: number, max: number) => (text: string) => number

/** Adds `dry-run`, `whatif` and `shadow`. */
export function addTryCommands(program: Command, run: Run, wholeNumber: ParseNumber): void {
  program
    .command('dry-run')
    .description('what a request or an event would lead to for a customer; nothing is counted, kept or sent')
    .argument('<customer>', 'customer id or alias')
    .option('--placement <id>', 'an inbound placement: what would be shown there now')
    .option('--count <n>', 'with --placement: how many offers', wholeNumber(1, 20))
    .option('--event <json>', 'an event as JSON, or a file that holds it: what it would lead to')
    .option('--pack <pack>', 'folder of a pack, or a version by number or hash (default: the pack in force)')
    .addOption(new Option('--language <language>').choices(['en', 'zh']).default('en'))
    .option('--values', 'every value of the customer, also those that were not read')
    .option('--json', 'one JSON object instead of text, with everything')
    .addHelpText(
      'after',
      examples(
        'dry-run C-17 --placement app_offers --pack my-pack',
        `dry-run C-17 --event '{"type": "repayment.made", "source": "core-banking", "data": {"amount": 500000, "currency": "CNY", "product": "credit_card"}}'`,
      ),
    )
    .action((customer: string, options: DryRunFlags) => run((config) => tryDry(config, customer, options)))
  program
    .command('whatif')
    .description('what another pack would have decided over the last days: who gains and who loses, and why')
    .argument('<pack>', 'folder of the pack, or a version by number or hash')
    .addOption(
      new Option('--days <n>', 'the window: the last so many days').default(7).argParser(wholeNumber(1, 3_650)),
    )
    .option(
      '--warmup-days <n>',
      'counted for the states before it (default: as windows look back)',
      wholeNumber(0, 3_650),
    )
    .option('--examples', 'with ids of some customers, for operator and compliance')
    .option('--yes', 'needed when it takes longer than an hour')
    .option('--json', 'one JSON object instead of text')
    .addHelpText('after', examples('whatif my-pack', 'whatif 2 --days 30 --json'))
    .action((pack: string, options: WhatIfFlags) =>
      run(async (config) => {
        const { withClient } = await import('./session.ts')
        const { whatIf } = await import('./what-if.ts')
        const { stopSignal } = await import('./stop-signal.ts')
        const { days, warmupDays } = options
        const flags = { yes: options.yes === true, examples: options.examples === true, json: options.json === true }
        return withClient(config, { history: true }, (client) =>
          whatIf(client, { pack, days, warmupDays, ...flags, signal: stopSignal() }),
        )
      }),
    )
  addShadow(program, run)
}

function addShadow(program: Command, run: Run): void {
  const shadow = program
    .command('shadow')
    .description('a candidate version on live traffic without effects: what it would decide, beside the pack in force')
  const add = (name: string, about: string, argument: string | null) => {
    const command = shadow.command(name).description(about).option('--json', 'one JSON object instead of text')
    if (argument !== null) command.argument(argument, 'folder of the pack, or a version by number or hash')
    return command
  }
  type Ask = (client: Client, asJson: boolean) => Promise<number>
  const ask = (options: { json?: boolean }, of: (module: typeof import('./shadow.ts')) => Ask) =>
    run(async (config) => {
      const { withClient } = await import('./session.ts')
      const module = await import('./shadow.ts')
      return withClient(config, { history: true }, (client) => of(module)(client, options.json === true))
    })
  const start = add('start', 'begin one; it goes on when the engine starts again', '<pack>')
  start
    .addHelpText('after', examples('shadow start my-pack', 'shadow start 2'))
    .action((pack: string, options: { json?: boolean }) =>
      ask(
        options,
        ({ startShadow }) =>
          (client, asJson) =>
            startShadow(client, pack, asJson),
      ),
    )
  add('status', 'how far it is', null).action((options) => ask(options, ({ showShadow }) => showShadow))
  add('report', 'who gains and who loses so far, by day', null).action((options) =>
    ask(options, ({ reportShadow }) => reportShadow),
  )
  add('stop', 'end it; what it found stays in the history', null).action((options) =>
    ask(options, ({ stopShadow }) => stopShadow),
  )
}

type WhatIfFlags = {
  days: number
  warmupDays?: number
  examples?: boolean
  yes?: boolean
  json?: boolean
}

type DryRunFlags = {
  placement?: string
  count?: number
  event?: string
  pack?: string
  language: 'en' | 'zh'
  values?: boolean
  json?: boolean
}

async function tryDry(config: Config, customer: string, options: DryRunFlags): Promise<number> {
  const { placement, count, event, pack, language, values } = options
  if ((placement === undefined) === (event === undefined)) {
    process.stderr.write('Give --placement or --event. See proffer dry-run --help.\n')
    return 2
  }
  const { withClient } = await import('./session.ts')
  const { dryRun } = await import('./dry-run.ts')
  const how = {
    customer,
    placement,
    count,
    event,
    pack,
    language,
    values: values === true,
    json: options.json === true,
  }
  return withClient(config, {}, (client) => dryRun(client, how))
}
