/** The commands that copy the store and put a copy back. */
import type { Command } from 'commander'
import type { ProgramOptions } from './program.ts'

type BackupOptions = { to?: string; verify?: string; quiet?: boolean; json?: boolean }
type RestoreOptions = { from: string; replace?: boolean; yes?: boolean; quiet?: boolean; json?: boolean }

/** Adds `backup` and `restore`. */
export function addStoreCommands(program: Command, { version, run }: ProgramOptions): void {
  const command = program
    .command('backup')
    .description('copy all customers to a folder while the engine runs, or check such a copy')
    .option('--to <folder>', 'a new or empty folder for the backup; it will hold customer data, see BACKUP_KEY_FILE')
    .option('--verify <folder>', 'read a backup whole; exit code 1 when it cannot be relied on. Needs no store')
    .option('--quiet', 'no progress and no summary')
    .option('--json', 'one JSON object instead of text')
  command.action((options: BackupOptions) =>
    run(async (config) => {
      const { to, verify: dir } = options
      const flags = { quiet: options.quiet === true, json: options.json === true }
      const { backup, verify } = await import('./backup.ts')
      if (to !== undefined && dir === undefined) return backup(config, to, { ...flags, release: version })
      if (to === undefined && dir !== undefined) return verify(config, dir, flags)
      process.stderr.write('Give --to FOLDER or --verify FOLDER. See proffer backup --help.\n')
      return 2
    }),
  )
  program
    .command('restore')
    .description('put a backup into the store; the engine then takes in what left since and counts the log from there')
    .requiredOption('--from <folder>', 'the backup')
    .option('--replace', 'also when the store holds an installation, which is deleted; asks for its name')
    .option('--yes', 'do not ask')
    .option('--quiet', 'no progress and no summary')
    .option('--json', 'one JSON object instead of text')
    .action((options: RestoreOptions) =>
      run(async (config) =>
        (await import('./restore.ts')).restore(config, options.from, {
          replace: options.replace === true,
          yes: options.yes === true,
          quiet: options.quiet === true,
          json: options.json === true,
        }),
      ),
    )
}
