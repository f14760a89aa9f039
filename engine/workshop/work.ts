/** The thread of the workshop: one function for each kind of work. What came over HTTP is parsed here, not on the thread of the API. */
import { z } from 'zod'
import { loadPackFiles } from '../../rules/load-pack.ts'
import type { Model } from '../../rules/model.ts'
import { diffPacks, type PackChange } from '../../rules/pack-diff.ts'
import { type PackFiles, packFilesSchema } from '../../rules/pack-texts.ts'
import { whyText } from '../control/control-record.ts'
import { createOrderRunner, type DryRunAnswer, type DryRunOrder } from '../dry-run/run-order.ts'
import { type CheckReport, checkReport, type TestReport, testReport } from './pack-report.ts'
import { type Preparation, prepareVersion } from './prepare-version.ts'

/** Files as they are, or the body of a call that holds them as `files`. */
export type PackSource =
  | { readonly kind: 'files'; readonly files: PackFiles }
  | { readonly kind: 'body'; readonly body: Uint8Array }

/** The body is none; the sentence says what it has to be. */
export type BodyRefused = { readonly kind: 'body_invalid'; readonly message: string }

/** `nowMs`: when the pack is looked at, as agreements run out. Unix milliseconds. */
export type PackTask = { readonly source: PackSource; readonly nowMs: number }

/** What a call with a pack may hold beside the files. */
export type WithWhy<T> = { readonly kind: 'done'; readonly result: T; readonly why: string | null } | BodyRefused

/** The body of a call with a pack: `{"files": {"pack.yaml": "..."}}`. */
export const packBody = z.strictObject({
  files: packFilesSchema.describe('Text by path: pack.yaml and the others, scenarios/NAME.yaml; at most 8 MB'),
  why: whyText.optional().describe('Why it is proposed'),
  filter: z.string().min(1).max(200).optional().describe('Only scenarios with this text in their name or file'),
})

export async function check({ source, nowMs }: PackTask): Promise<WithWhy<CheckReport>> {
  return worked(source, async (files) => checkReport(loadPackFiles(files, nowMs)))
}

export async function test({ source }: PackTask): Promise<WithWhy<TestReport>> {
  return worked(source, (files, filter) => testReport(files, filter))
}

export async function prepare(task: PackTask & { readonly before: string | null }): Promise<WithWhy<Preparation>> {
  return worked(task.source, (files) => prepareVersion(files, task.before))
}

/** What changed between two models, each as JSON. */
export function diff({ before, after }: { before: string; after: string }): readonly PackChange[] {
  const [old, now]: [Model, Model] = [JSON.parse(before), JSON.parse(after)]
  return diffPacks(old, now)
}

const runOrder = createOrderRunner()

/** Tries a request or an event on a copy of a customer. */
export function dryRun(order: DryRunOrder): DryRunAnswer {
  return runOrder(order)
}

async function worked<T>(
  source: PackSource,
  work: (files: PackFiles, filter: string | null) => Promise<T>,
): Promise<WithWhy<T>> {
  if (source.kind === 'files') return { kind: 'done', result: await work(source.files, null), why: null }
  const parsed = packBody.safeParse(parseJson(source.body))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    // A path holds the name of a file, which is the caller's own; its text is never repeated.
    const where = issue === undefined ? '' : ` (${issue.path.slice(0, 1).join('.') || 'the body'}: ${issue.message})`
    return { kind: 'body_invalid', message: `Send JSON such as {"files": {"pack.yaml": "..."}}${where}.` }
  }
  const { files, filter, why } = parsed.data
  return { kind: 'done', result: await work(files, filter ?? null), why: why ?? null }
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
}
