/** Reports: questions to the history that are asked again and again. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { examples } from './print.ts'
import type { ProgramOptions } from './program.ts'

/** The name goes into a query, so it is nothing but a name. */
const attributes = (text: string, before: readonly string[]): readonly string[] => {
  if (!/^profile\.[A-Za-z][A-Za-z0-9_]{0,63}$/.test(text))
    throw new InvalidArgumentError('an attribute such as profile.riskGrade')
  return [...before, text]
}

const days = (text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 3_650)
    throw new InvalidArgumentError('a whole number from 1 to 3650')
  return value
}

/** Adds `report` with its reports. */
export function addReports(program: Command, run: ProgramOptions['run']): void {
  program
    .command('report')
    .description('what the history says, put together')
    .command('distribution')
    .description('how offers are spread: by category and offer, over customers who got none, over groups of customers')
    .addOption(new Option('--days <days>', 'of the days before the newest decision').default(30).argParser(days))
    .option(
      '--by <attributes...>',
      'attributes that the pack declares under fairness, such as profile.riskGrade',
      attributes,
      [],
    )
    .option('--json', 'one JSON object a table instead of text')
    .addHelpText('after', examples('report distribution --days 7 --by profile.riskGrade'))
    .action((options: { days: number; by: readonly string[]; json?: boolean }) =>
      run(async (config) => {
        const { withClient } = await import('./session.ts')
        const { reportDistribution } = await import('./distribution.ts')
        const how = { days: options.days, by: options.by, json: options.json === true }
        return withClient(config, { history: true }, (client) => reportDistribution(client, how))
      }),
    )
}
