/**
 * The commands and their options. Each action imports what it needs when it runs, so that `--help` answers at once.
 * An action returns the exit code.
 */
import { Command, Option } from 'commander'
import type { Config } from '../config.ts'
import { dateOrInstant, wholeNumber } from './arguments.ts'
import { addGovernanceCommands } from './governance-commands.ts'
import { addReplayCommand } from './replay-commands.ts'
import { addReports } from './report-commands.ts'
import { addSourceCommands } from './source-commands.ts'
import { addStoreCommands } from './store-commands.ts'
import { addTestCommand } from './test-command.ts'
import { addTryCommands } from './try-commands.ts'

type Action = (config: Config) => Promise<number>

export type ProgramOptions = {
  readonly version: string
  /** Runs an action with the configuration, prints what failed, sets the exit code. */
  readonly run: (action: Action) => Promise<void>
}

const clockOption = () =>
  new Option('--clock <kind>', 'wall: now. event: time follows the rows, for old data in a DATA_DIR of its own')
    .choices(['wall', 'event'])
    .default('wall')

const jsonOption = () => new Option('--json', 'one JSON object instead of text')

/** The whole command line. */
export function createProgram({ version, run }: ProgramOptions): Command {
  const program = new Command('proffer')
  program
    .description(
      'Real-time decisioning for banks: events in, guarded offers out, each with its reasons.\n' +
        'Settings come from the environment; `proffer config` lists them.',
    )
    .version(version)
    .showHelpAfterError('(--help shows the usage)')
    .configureHelp({ sortSubcommands: false })
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  addServe(program, run)
  addPackCommands(program, run)
  addLookCommands(program, run)
  addTryCommands(program, run, wholeNumber)
  addSourceCommands(program, run, wholeNumber)
  addLearn(program, run)
  addReplayCommand(program, { run })
  addErasure(program, run)
  addOperations(program, run)
  addGovernanceCommands(program, run, wholeNumber)
  addStoreCommands(program, { version, run })
  return program
}

function addServe(program: Command, run: ProgramOptions['run']): void {
  program
    .command('serve')
    .description('run the engine with its HTTP API until SIGTERM or SIGINT')
    .action(() => run(async (config) => (await import('./serve.ts')).serve(config)))
  program
    .command('import')
    .description('turn rows of a CSV or JSON lines file into events')
    .argument('<file>', 'the file')
    .requiredOption('--mapping <file>', 'YAML that says which column becomes which field')
    .addOption(clockOption())
    .option('--complete-since <date>', 'first import only: from here on the log holds every event', dateOrInstant)
    .addOption(jsonOption())
    .action((file: string, options: ImportFlags) =>
      run(async (config) =>
        (await import('./import-file.ts')).importFile(config, {
          file,
          mapping: options.mapping,
          clock: options.clock,
          completeSince: options.completeSince,
          json: options.json === true,
        }),
      ),
    )
}

function addPackCommands(program: Command, run: ProgramOptions['run']): void {
  program
    .command('check')
    .description(
      'check a rule pack and prove that nothing it forbids can leave; exit code 1 with every reason when not',
    )
    .argument('[pack]', 'folder of the pack')
    .option('--certificate <file>', 'write what was proven to this file')
    .option('--stored <version>', 'instead: show what was proven when this version of the pack was put in force')
    .option('--all', 'every finding, however many there are (JSON always has all)')
    .option('--checks', 'instead: list every check, whether it finds all there is, and what it finds')
    .addOption(jsonOption())
    .action((pack: string | undefined, options: CheckFlags) => run(async (config) => check(config, pack, options)))
  addTestCommand(program, run)
  program
    .command('config')
    .description('list every setting with its meaning and default')
    .option('--example', 'as the text of .env.example')
    .option('--markdown', 'as the text of docs/settings.md')
    .action((options: { example?: boolean; markdown?: boolean }) =>
      run(async () => {
        const { printSettings } = await import('./settings.ts')
        return printSettings(options.example === true ? 'example' : options.markdown === true ? 'markdown' : 'list')
      }),
    )
  program
    .command('init')
    .description('set up a DATA_DIR before its first start')
    .option(
      '--complete-since <date>',
      'from this instant on the log holds every event (default: now; needed with --clock event)',
      dateOrInstant,
    )
    .addOption(clockOption())
    .action((options: { completeSince?: number; clock: 'wall' | 'event' }) =>
      run(async (config) =>
        (await import('./init.ts')).init(config, { completeSince: options.completeSince, clock: options.clock }),
      ),
    )
}

function addLookCommands(program: Command, run: ProgramOptions['run']): void {
  program
    .command('inspect')
    .description('show every feature of a customer by name with value, class and window')
    .argument('<customer>', 'customer id')
    .addOption(jsonOption())
    .action((customer: string, options: { json?: boolean }) =>
      run(async (config) => {
        const { withClient } = await import('./session.ts')
        const { inspectCustomer } = await import('./inspect.ts')
        return withClient(config, {}, (client) => inspectCustomer(client, customer, options.json === true))
      }),
    )
  program
    .command('explain')
    .description('say in words why a decision was made, or why an event led to nothing')
    .argument('[decision]', 'decision id')
    .option('--customer <id>', 'with --event: the customer of the event')
    .option('--event <id>', 'with --customer: the id of the event')
    .addOption(
      new Option('--for <audience>', 'of a decision: who is to read it').choices(['customer', 'manager', 'staff']),
    )
    .addOption(new Option('--language <language>').choices(['en', 'zh']).default('en'))
    .addOption(jsonOption())
    .action((decision: string | undefined, options: ExplainFlags) =>
      run(async (config) => explain(config, decision, options)),
    )
  program
    .command('tail')
    .description('follow the decisions as they leave')
    .option('--from-start', 'from the oldest decision kept')
    .option('--limit <n>', 'end after this many; waits until there are as many', wholeNumber(1, 10_000_000))
    .addOption(jsonOption())
    .action((options: { fromStart?: boolean; limit?: number; json?: boolean }) =>
      run(async (config) => {
        const { withClient } = await import('./session.ts')
        const { tailDecisions } = await import('./tail.ts')
        const { stopSignal } = await import('./stop-signal.ts')
        return withClient(config, {}, (client) =>
          tailDecisions(client, {
            fromStart: options.fromStart === true,
            limit: options.limit ?? Number.POSITIVE_INFINITY,
            json: options.json === true,
            signal: stopSignal(),
          }),
        )
      }),
    )
  addReports(program, run)
  program
    .command('sql')
    .description('ask the history with one read-only query')
    .argument('<query>', 'such as "SELECT count() FROM decisions"')
    .addOption(new Option('--format <format>').choices(['table', 'json', 'csv']).default('table'))
    .action((query: string, options: { format: 'table' | 'json' | 'csv' }) =>
      run(async (config) => {
        const { withClient } = await import('./session.ts')
        const { runSql } = await import('./sql.ts')
        return withClient(config, { history: true }, (client) => runSql(client, query, options.format))
      }),
    )
}

type ImportFlags = { mapping: string; clock: 'wall' | 'event'; completeSince?: number; json?: boolean }

type CheckFlags = { all?: boolean; certificate?: string; stored?: string; checks?: boolean; json?: boolean }

async function check(config: Config, pack: string | undefined, options: CheckFlags): Promise<number> {
  const { checkPackFolder, listChecks, showStoredCertificate } = await import('./check.ts')
  const how = { json: options.json === true, all: options.all === true, certificate: options.certificate }
  const { stored } = options
  if (options.checks === true) return listChecks(how.json)
  if (pack !== undefined && stored === undefined) return checkPackFolder(pack, how)
  if (pack === undefined && stored !== undefined) {
    const { withClient } = await import('./session.ts')
    return withClient(config, {}, (client) => showStoredCertificate(client, stored, how))
  }
  process.stderr.write('Give the folder of a pack, or --stored and the version of one. See proffer check --help.\n')
  return 2
}

type ExplainFlags = { customer?: string; event?: string; for?: string; language: 'en' | 'zh'; json?: boolean }

async function explain(config: Config, decision: string | undefined, options: ExplainFlags): Promise<number> {
  const { withClient } = await import('./session.ts')
  const { explainDecision, explainEvent } = await import('./explain.ts')
  const how = { language: options.language, json: options.json === true }
  const { customer, event } = options
  if (decision !== undefined && customer === undefined && event === undefined)
    return withClient(config, { history: true }, (client) =>
      explainDecision(client, decision, { ...how, audience: options.for ?? 'staff' }),
    )
  if (decision === undefined && customer !== undefined && event !== undefined && options.for === undefined)
    return withClient(config, {}, (client) => explainEvent(client, { customer, event }, how))
  process.stderr.write(
    'Give a decision id, or --customer and --event together (without --for). See proffer explain --help.\n',
  )
  return 2
}

function addLearn(program: Command, run: ProgramOptions['run']): void {
  program
    .command('learn')
    .description('learn propensities from the outcomes in the history; prints a table and writes a file for LEARNED')
    .option('--days <n>', 'how far back decisions are looked at', wholeNumber(1, 3_650), 365)
    .option('--out <file>', 'where to write it (default: under DATA_DIR/learned, by its version)')
    .addOption(jsonOption())
    .action((options: { days: number; out?: string; json?: boolean }) =>
      run(async (config) => {
        const { withClient } = await import('./session.ts')
        const { learn } = await import('./learn.ts')
        const how = { days: options.days, out: options.out, json: options.json === true }
        return withClient(config, { history: true }, (client) => learn(client, config, how))
      }),
    )
}

function addErasure(program: Command, run: ProgramOptions['run']): void {
  program
    .command('erase')
    .description('erase a customer everywhere, for good, and print the receipt; exit code 0 when it is committed')
    .argument('<customer>', 'customer id or alias')
    .addOption(new Option('--ground <ground>', 'why').choices(['request', 'retention', 'account_closed', 'other']))
    .option('--yes', 'needed: it cannot be undone')
    .addOption(jsonOption())
    .action((customer: string, options: { ground?: string; yes?: boolean; json?: boolean }) =>
      run(async (config) => {
        if (options.yes !== true) {
          process.stderr.write('This cannot be undone. Say it again with --yes.\n')
          return 2
        }
        const { withClient } = await import('./session.ts')
        const { eraseCustomer } = await import('./erasure.ts')
        const how = { ground: options.ground, json: options.json === true }
        return withClient(config, { history: true }, (client) => eraseCustomer(client, customer, how))
      }),
    )
  program
    .command('erasure')
    .description('what is left of an erased customer, store by store; exit code 1 while anything is')
    .argument('<customer>', 'customer id')
    .addOption(jsonOption())
    .action((customer: string, options: { json?: boolean }) =>
      run(async (config) => {
        const { withClient } = await import('./session.ts')
        const { showErasure } = await import('./erasure.ts')
        return withClient(config, { history: true }, (client) => showErasure(client, customer, options.json === true))
      }),
    )
}

function addOperations(program: Command, run: ProgramOptions['run']): void {
  program
    .command('stock')
    .description('what is left of each resource of the pack; exit code 1: unknown, or more promised than there is')
    .addOption(jsonOption())
    .action((options: { json?: boolean }) =>
      run(async (config) => {
        const { withClient } = await import('./session.ts')
        const { showStock } = await import('./stock.ts')
        return withClient(config, {}, (client) => showStock(client, options.json === true))
      }),
    )
  program
    .command('partitions')
    .description('show every partition; --reopen tries a closed one again')
    .option('--reopen <partition>', 'number of the partition', wholeNumber(0, 511))
    .option('--skip-lost', 'with --reopen: go on although the log lost events that were not yet applied')
    .addOption(jsonOption())
    .action((options: { reopen?: number; skipLost?: boolean; json?: boolean }) =>
      run(async (config) => {
        const { withClient } = await import('./session.ts')
        const { listPartitions, reopenPartition } = await import('./partitions.ts')
        const asJson = options.json === true
        const skipLost = options.skipLost === true
        if (skipLost && options.reopen === undefined) {
          process.stderr.write('--skip-lost goes with --reopen <partition>.\n')
          return 2
        }
        return withClient(config, {}, (client) =>
          options.reopen === undefined
            ? listPartitions(client, asJson)
            : reopenPartition(client, options.reopen, { skipLost, asJson }),
        )
      }),
    )
  program
    .command('quarantine')
    .description('show the rules that a node took out of service because they failed')
    .option('--lift <rule>', 'put a rule back into service, such as guardrail:no-credit')
    .addOption(jsonOption())
    .action((options: { lift?: string; json?: boolean }) =>
      run(async (config) => {
        const { withClient } = await import('./session.ts')
        const { showQuarantine } = await import('./quarantine.ts')
        return withClient(config, {}, (client) => showQuarantine(client, options.lift ?? null, options.json === true))
      }),
    )
  program
    .command('backfill')
    .description('fill in the past of features that a pack added, from the log; goes on where it was halted')
    .option('--hours <n>', 'it is halted when it is not done by then', wholeNumber(1, 720), 24)
    .option('--halt', 'halt the one in progress')
    .option('--status', 'only show how far it is, and what is missing')
    .addOption(jsonOption())
    .action((options: { hours: number; halt?: boolean; status?: boolean; json?: boolean }) =>
      run(async (config) => {
        const { withClient } = await import('./session.ts')
        const { fillPast, lookAtBackfill } = await import('./backfill.ts')
        const { stopSignal } = await import('./stop-signal.ts')
        const json = options.json === true
        return withClient(config, {}, (client) =>
          options.halt === true || options.status === true
            ? lookAtBackfill(client, options.halt === true ? 'halt' : 'show', json)
            : fillPast(client, { hours: options.hours, json, signal: stopSignal() }),
        )
      }),
    )
  addDeadLetters(program, run)
}

function addDeadLetters(program: Command, run: ProgramOptions['run']): void {
  const letters = program.command('deadletters').description('what was refused, why, and handing it in again')
  letters
    .command('list', { isDefault: true })
    .description('newest first')
    .option('--limit <n>', 'at most this many', wholeNumber(1, 1_000), 100)
    .option('--reason <reason>', 'only this reason')
    .addOption(jsonOption())
    .action((options: { limit: number; reason?: string; json?: boolean }) =>
      run(async (config) => {
        const { withClient } = await import('./session.ts')
        const { listDeadLetters } = await import('./dead-letters.ts')
        return withClient(config, {}, (client) =>
          listDeadLetters(client, { limit: options.limit, reason: options.reason, json: options.json === true }),
        )
      }),
    )
  letters
    .command('show')
    .description('one dead letter with its bytes')
    .argument('<id>')
    .addOption(jsonOption())
    .action((id: string, options: { json?: boolean }) =>
      run(async (config) => {
        const { withClient } = await import('./session.ts')
        const { showDeadLetter } = await import('./dead-letters.ts')
        return withClient(config, {}, (client) => showDeadLetter(client, id, options.json === true))
      }),
    )
  letters
    .command('redrive')
    .description('hand dead letters in again; exit code 1 when one is refused again')
    .argument('<id...>')
    .addOption(jsonOption())
    .action((ids: string[], options: { json?: boolean }) =>
      run(async (config) => {
        const { withClient } = await import('./session.ts')
        const { redriveDeadLetters } = await import('./dead-letters.ts')
        return withClient(config, {}, (client) => redriveDeadLetters(client, ids, options.json === true))
      }),
    )
}
