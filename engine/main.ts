/** The entry of every command: reads the configuration, runs the command, sets the exit code. */
import packageJson from '../package.json' with { type: 'json' }
import { createProgram } from './cli/program.ts'
import { configFromEnvironment } from './config.ts'

/** Errors with a `code` are expected failures: their sentence is enough. Anything else is a bug and shows its stack. */
function sentenceOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const expected = 'code' in cause && !String(cause.code).startsWith('ERR_')
  return expected ? cause.message : (cause.stack ?? cause.message)
}

// What is kept is nobody else's to read: states, logs, dead letters, the secret of the installation.
process.umask(0o077)

// A reader that closes early (`| head`) ends the command quietly.
process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code === 'EPIPE') process.exit(0)
  throw cause
})

const program = createProgram({
  version: packageJson.version,
  run: async (action) => {
    const read = configFromEnvironment()
    if (read.kind === 'refused') {
      process.stderr.write(`The settings are wrong:\n${read.problems.map((problem) => `  ${problem}\n`).join('')}`)
      process.stderr.write('`npm run proffer -- config` lists every setting.\n')
      process.exitCode = 2
      return
    }
    try {
      process.exitCode = await action(read.config)
    } catch (cause) {
      process.stderr.write(`proffer: ${sentenceOf(cause)}\n`)
      process.exitCode = 2
    }
  },
})

await program.parseAsync()
