/** The commands of governance: keys, versions of the pack, audit. */
import { type Command, Option } from 'commander'
import { type Role, roles } from '../control/roles.ts'
import type { Client } from './client.ts'
import { examples } from './print.ts'
import type { ProgramOptions } from './program.ts'

type Run = ProgramOptions['run']
type ParseNumber = (min: number, max: number) => (text: string) => number
type Json = { json?: boolean }
type Why = Json & { why: string }

const jsonOption = () => new Option('--json', 'one JSON object instead of text')
const whyOption = () => new Option('--why <reason>', 'why; it is kept for ever').makeOptionMandatory()
const versionMax = 1_000_000

async function ask(run: Run, work: (client: Client) => Promise<number>): Promise<void> {
  await run(async (config) => (await import('./session.ts')).withClient(config, {}, work))
}

/** Adds `keys`, `pack` and `audit`. */
export function addGovernanceCommands(program: Command, run: Run, wholeNumber: ParseNumber): void {
  addKeys(program, run)
  addPack(program, run, wholeNumber(1, versionMax))
  program
    .command('audit')
    .description('who did what to the installation, when and why, newest first')
    .option('--limit <n>', 'so many at most', wholeNumber(1, 1_000), 100)
    .option('--before <number>', 'only records before this one', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--verify', 'read the whole log and look at every link; exit code 1 when one is broken')
    .addOption(jsonOption())
    .addHelpText('after', examples('audit --limit 20', 'audit --verify'))
    .action((options: Json & { limit: number; before?: number; verify?: boolean }) =>
      ask(run, async (client) => {
        const { showAudit, verifyAudit } = await import('./audit.ts')
        const asJson = options.json === true
        return options.verify === true ? verifyAudit(client, asJson) : showAudit(client, options, asJson)
      }),
    )
}

function addKeys(program: Command, run: Run): void {
  const keys = program.command('keys').description('who may call, and as what')
  const keyCommands = () => import('./keys.ts')
  keys
    .command('list', { isDefault: true })
    .description('names, roles and since when; no secrets')
    .addOption(jsonOption())
    .action((options: Json) =>
      ask(run, async (client) => (await keyCommands()).listKeys(client, options.json === true)),
    )
  keys
    .command('create')
    .description('make a key; it is shown once')
    .requiredOption('--name <name>', 'who it is: one name is one person or machine')
    .addOption(
      new Option('--role <role>', 'what it may do; may be given several times')
        .choices(roles)
        .argParser((text: string, before: readonly string[] = []) => [...before, text])
        .makeOptionMandatory(),
    )
    .option('--why <reason>', 'why; it is kept for ever')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples('keys create --name anna --role author', 'keys create --name app-1 --role app --role producer'),
    )
    .action((options: Json & { name: string; role: readonly Role[]; why?: string }) =>
      ask(run, async (client) => {
        const { name, role, why } = options
        return (await keyCommands()).createKey(client, { name, roles: role, why }, options.json === true)
      }),
    )
  keys
    .command('revoke')
    .description('revoke all keys of a name, at once')
    .argument('<name>', 'who it is')
    .option('--why <reason>', 'why; it is kept for ever')
    .addOption(jsonOption())
    .addHelpText('after', examples('keys revoke anna --why "has left"'))
    .action((name: string, options: Json & { why?: string }) =>
      ask(run, async (client) => (await keyCommands()).revokeKey(client, name, options.why, options.json === true)),
    )
}

function addPack(program: Command, run: Run, version: (text: string) => number): void {
  const pack = program
    .command('pack')
    .description('versions of the rule pack: propose, approve, put in force, roll back')
  const commands = () => import('./versions.ts')
  pack
    .command('list', { isDefault: true })
    .description('all versions, newest first, which can be activated, and what the others wait for')
    .addOption(jsonOption())
    .action((options: Json) =>
      ask(run, async (client) => (await commands()).listVersions(client, options.json === true)),
    )
  pack
    .command('show')
    .description('where a version stands; with --files its sources')
    .argument('<version>', 'number', version)
    .option('--files <folder>', 'write its sources to this new or empty folder')
    .addOption(jsonOption())
    .addHelpText('after', examples('pack show 2', 'pack show 1 --files /tmp/spring'))
    .action((number: number, options: Json & { files?: string }) =>
      ask(run, async (client) => (await commands()).showVersion(client, number, options.files, options.json === true)),
    )
  pack
    .command('diff')
    .description('what changed between two versions, by definition')
    .argument('<from>', 'number', version)
    .argument('<to>', 'number', version)
    .addOption(jsonOption())
    .addHelpText('after', examples('pack diff 1 2'))
    .action((from: number, to: number, options: Json) =>
      ask(run, async (client) => (await commands()).diffVersions(client, from, to, options.json === true)),
    )
  pack
    .command('propose')
    .description('hand in a pack as the next version: it is checked, proven and its scenarios are played first')
    .argument('<folder>', 'folder of the pack')
    .addOption(whyOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('pack propose /tmp/spring --why "spring campaign"'))
    .action((folder: string, options: Why) =>
      ask(run, async (client) => (await commands()).proposeVersion(client, folder, options.why, options.json === true)),
    )
  for (const [name, text] of [
    ['approve', 'approve a version that somebody else proposed'],
    ['reject', 'reject a version; it is never put in force'],
    ['activate', 'put an approved version in force on every shard of every node'],
  ] as const)
    pack
      .command(name)
      .description(text)
      .argument('<version>', 'number', version)
      .addOption(whyOption())
      .addOption(jsonOption())
      .addHelpText('after', examples(`pack ${name} 2 --why "as agreed on Monday"`))
      .action((number: number, options: Why) =>
        ask(run, async (client) =>
          (await commands()).moveVersion(client, `${number}/${name}`, options.why, options.json === true),
        ),
      )
  pack
    .command('rollback')
    .description('go back to the version that was in force before')
    .addOption(whyOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('pack rollback --why "too many complaints"'))
    .action((options: Why) =>
      ask(run, async (client) =>
        (await commands()).moveVersion(client, 'rollback', options.why, options.json === true),
      ),
    )
  pack
    .command('status')
    .description('which version is in force on which shard of which node; exit code 1 while it is not on all')
    .addOption(jsonOption())
    .action((options: Json) => ask(run, async (client) => (await commands()).packStatus(client, options.json === true)))
}
