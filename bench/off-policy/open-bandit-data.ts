/** The Open Bandit Dataset (ZOZO, CC BY 4.0; Saito, Aihara, Matsutani and Narita 2021, arXiv 2008.07146) as its files have it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** The two policies that were logged. */
export const policies = ['random', 'bts'] as const
export type LoggedPolicy = (typeof policies)[number]

/** One item that was shown at one position. */
export type Impression = {
  readonly item: number
  readonly position: number
  readonly clicked: boolean
  /** How likely the logging policy was to show this item there. */
  readonly propensity: number
}

/** The logs of a campaign; null: `looked` says where they were looked for. */
export type OpenBanditData =
  | { readonly kind: 'found'; readonly logs: { readonly [policy in LoggedPolicy]: readonly Impression[] } }
  | { readonly kind: 'missing'; readonly looked: readonly string[] }

/** What to do where the data are not. */
export const whereFrom =
  'The data are the Open Bandit Dataset of ZOZO, free to use (CC BY 4.0). A sample of 10,000 rows a policy comes with the Open Bandit Pipeline, ' +
  'the repository zr-obp of st-tech, in its folder obd; the whole of 26 million rows is on the research pages of ZOZO. Unpack it and give ' +
  'its folder with --data DIR: it holds random/men/men.csv and bts/men/men.csv (or random-men.csv and bts-men.csv; .gz is read too).'

/**
 * Reads the logs of a campaign (`men`, `women`, `all`).
 * @throws Error when a file is there and is not of the format: a column is missing or a value is no number in range
 */
export async function readOpenBandit(dir: string, campaign: string): Promise<OpenBanditData> {
  const looked: string[] = []
  const read = async (policy: LoggedPolicy): Promise<readonly Impression[] | null> => {
    for (const name of [`${policy}/${campaign}/${campaign}.csv`, `${policy}-${campaign}.csv`]) {
      for (const file of [join(dir, name), join(dir, `${name}.gz`)]) {
        looked.push(file)
        const bytes = await readFile(file).catch((error: unknown) => {
          if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
          throw error
        })
        if (bytes !== null) return impressionsOf(file.endsWith('.gz') ? gunzipSync(bytes) : bytes, file)
      }
    }
    return null
  }
  const [random, bts] = [await read('random'), await read('bts')]
  return random === null || bts === null ? { kind: 'missing', looked } : { kind: 'found', logs: { random, bts } }
}

/** The rows of a file: the first line names the columns, no value is quoted. */
function impressionsOf(bytes: Buffer, file: string): readonly Impression[] {
  const [header = '', ...lines] = bytes.toString('utf8').split(/\r?\n/)
  const columns = header.split(',')
  const at = (name: string): number => {
    const index = columns.indexOf(name)
    if (index < 0) throw new Error(`${file} has no column ${name}`)
    return index
  }
  const [item, position, click, propensity] = [at('item_id'), at('position'), at('click'), at('propensity_score')]
  return lines
    .filter((line) => line !== '')
    .map((line, i) => {
      const fields = line.split(',')
      const number = (index: number, least: number, most: number): number => {
        const value = Number(fields[index])
        if (fields[index] === undefined || !(value >= least && value <= most))
          throw new Error(`${file}, row ${i + 1}: ${columns[index]} is not from ${least} to ${most}`)
        return value
      }
      return {
        item: number(item, 0, 10_000),
        position: number(position, 0, 100),
        clicked: number(click, 0, 1) === 1,
        propensity: number(propensity, Number.MIN_VALUE, 1),
      }
    })
}
