/** `proffer pack`: the versions of the rule pack. */
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { formatProblems, type PackProblem } from '../../rules/pack-problem.ts'
import { packFilesOf, packFilesSchema } from '../../rules/pack-texts.ts'
import { answered, saysNo } from './answered.ts'
import type { Client } from './client.ts'
import { oneLine, table } from './print.ts'
import { refusedPackText } from './refused-pack.ts'

const approval = z.looseObject({ who: z.string(), at: z.string(), why: z.string() })
const outlook = z.looseObject({ possible: z.boolean(), first: z.string().nullable(), message: z.string().nullable() })
const version = z.looseObject({
  version: z.number(),
  status: z.string(),
  name: z.string(),
  hash: z.string(),
  author: z.string(),
  at: z.string(),
  why: z.string(),
  compliance: z.array(z.string()),
  approvals: z.array(approval),
  waitsFor: z.array(z.string()),
  rejected: approval.nullable(),
  // An engine of an older release does not say.
  activate: outlook.optional(),
})
const change = z.looseObject({
  kind: z.string(),
  id: z.string(),
  change: z.string(),
  fields: z.array(z.looseObject({ field: z.string(), before: z.string().nullable(), after: z.string().nullable() })),
  compliance: z.string().nullable(),
})
const failing = z.looseObject({ node: z.string(), message: z.string(), since: z.number() })
const shard = z.looseObject({ node: z.string(), shard: z.number(), packHash: z.string(), since: z.number() })

export function listVersions(client: Client, isJson: boolean): Promise<number> {
  return answered(client.get('/v1/versions'), z.looseObject({ versions: z.array(version) }), isJson, ({ versions }) => [
    table(
      ['version', 'status', 'activate', 'author', 'proposed', 'waits for', 'why'],
      versions.map((one) => {
        const { version: number, status, author, at, waitsFor, why } = one
        return [number, status, outlookWord(one.activate), author, at, waitsFor.join(', '), why]
      }),
    ),
  ])
}

/** Whether a version can be put in force as it is; empty: it is in force. */
function outlookWord(told: z.infer<typeof outlook> | undefined): string {
  if (told === undefined) return 'unknown'
  if (told.possible) return 'yes'
  return told.first === null ? '' : `no: ${told.first.replaceAll('_', ' ')}`
}

export async function showVersion(
  client: Client,
  number: number,
  folder: string | undefined,
  isJson: boolean,
): Promise<number> {
  const code = await answered(client.get(`/v1/versions/${number}`), version, isJson, versionLines)
  if (code !== 0 || folder === undefined) return code
  const reply = await client.get(`/v1/versions/${number}/files`)
  if (reply.status !== 200) return saysNo(reply, false)
  const { files } = z.looseObject({ files: packFilesSchema }).parse(reply.body)
  await mkdir(folder, { recursive: true })
  if ((await readdir(folder)).length > 0) {
    process.stderr.write(`${folder} is not empty: name a new folder.\n`)
    return 2
  }
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
  process.stderr.write(`${Object.keys(files).length} files written to ${folder}.\n`)
  return 0
}

export function diffVersions(client: Client, from: number, to: number, isJson: boolean): Promise<number> {
  const asked = client.get(`/v1/versions/${to}/diff?from=${from}`)
  return answered(asked, z.looseObject({ changes: z.array(change) }), isJson, ({ changes }) => changeLines(changes))
}

/** Exit code 2 when the folder cannot travel, 1 when the engine refuses it, with its report. */
export async function proposeVersion(client: Client, folder: string, why: string, isJson: boolean): Promise<number> {
  const problems: PackProblem[] = []
  const files = await packFilesOf(folder, problems)
  if (problems.length > 0) {
    process.stderr.write(`${formatProblems(problems, `proffer check ${folder} --all`)}\n`)
    return 2
  }
  const proposed = version.extend({ changes: z.array(change), scenarios: z.number() })
  const reply = await client.post('/v1/versions', { files, why })
  if (reply.status !== 200 && !isJson) process.stdout.write(refusedPackText(reply.body, folder))
  return answered(Promise.resolve(reply), proposed, isJson, (told) => [
    ...versionLines(told),
    `${told.scenarios} scenarios passed`,
    '',
    ...changeLines(told.changes),
  ])
}

/** Approves, rejects, puts in force or rolls back. @param path behind `/v1/versions/` */
export function moveVersion(client: Client, path: string, why: string, isJson: boolean): Promise<number> {
  return answered(client.post(`/v1/versions/${path}`, { why }), version, isJson, versionLines)
}

/** What every shard runs, which version that is, and which nodes cannot take it up; exit code 1 while it does not run everywhere. */
export async function packStatus(client: Client, isJson: boolean): Promise<number> {
  const status = z.looseObject({
    packHash: z.string(),
    shards: z.array(shard),
    silent: z.array(z.string()),
    // An engine of an older release says nothing of it.
    failing: z.array(failing).default([]),
  })
  const listed = z.looseObject({ versions: z.array(version) }).safeParse((await client.get('/v1/versions')).body)
  const versions = listed.success ? listed.data.versions : []
  const lines = (told: z.infer<typeof status>): readonly string[] => [
    `version ${versions.find(({ status: stands }) => stands === 'in_force')?.version ?? 'unknown'} (${told.packHash})`,
    table(
      ['node', 'shard', 'runs', 'since'],
      told.shards.map((one) => [
        one.node,
        one.shard,
        one.packHash === told.packHash ? 'this version' : one.packHash,
        new Date(one.since).toISOString(),
      ]),
    ),
    ...told.silent.map((node) => `${node} does not answer`),
    ...told.failing.map(
      ({ node, message, since }) =>
        `${node} cannot take up the version in force since ${new Date(since).toISOString()}: ${message}`,
    ),
  ]
  const runsEverywhere = ({ packHash, shards, silent, failing: failed }: z.infer<typeof status>): boolean =>
    silent.length === 0 && failed.length === 0 && shards.every((one) => one.packHash === packHash)
  return answered(client.get('/v1/packs/active'), status, isJson, lines, runsEverywhere)
}

function versionLines(told: z.infer<typeof version>): readonly string[] {
  const { approvals, rejected, compliance, waitsFor, activate } = told
  return [
    `version ${told.version}: ${told.status} (${told.hash})`,
    `  proposed by ${told.author} at ${told.at}: ${oneLine(told.why)}`,
    ...approvals.map(({ who, at, why }) => `  approved by ${who} at ${at}: ${oneLine(why)}`),
    ...(rejected === null ? [] : [`  rejected by ${rejected.who} at ${rejected.at}: ${oneLine(rejected.why)}`]),
    ...(waitsFor.length === 0 ? [] : [`  waits for ${waitsFor.join(' and ')}`]),
    ...(activate === undefined || activate.first === null ? [] : [`  cannot be activated now: ${activate.message}`]),
    ...compliance.map((reason) => `  for compliance: ${reason}`),
  ]
}

function changeLines(changes: readonly z.infer<typeof change>[]): readonly string[] {
  if (changes.length === 0) return ['Nothing changed in what the pack says.']
  const signs = new Map([
    ['added', '+'],
    ['removed', '-'],
  ])
  return changes.flatMap(({ kind, id, change: what, fields, compliance }) => [
    `${signs.get(what) ?? '~'} ${kind} ${id}${compliance === null ? '' : '  (for compliance)'}`,
    ...fields.map(({ field, before, after }) => `    ${field}: ${before ?? 'nothing'} -> ${after ?? 'nothing'}`),
  ])
}
