/**
 * What was learned from outcomes: for each model, offer and segment how often an offer succeeded and how often it did not, and
 * which channels are tired. A table never changes; another one has another hash, which every decision made with it carries.
 */
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { z } from 'zod'
import { canonicalJson } from './pack-hash.ts'

/** Most cells of a table, and the largest file. */
export const cellsMax = 100_000
export const learnedBytesMax = 32 * 1024 * 1024
/** Most outcomes one cell may count. */
export const countMax = 1_000_000_000

const name = z.string().min(1).max(128)
const count = z.int().min(0).max(countMax)

const cellSchema = z.strictObject({ model: name, offer: name, segment: name, successes: count, failures: count })

const openedSchema = z.strictObject({ sent: count, opened: count })

const fatigueSchema = z.strictObject({
  /** Rule of the pack. */
  rule: name,
  recent: openedSchema,
  baseline: openedSchema,
  /** Share of marketing that goes out on the channel. */
  pass: z.number().min(0).max(1),
})

const tableSchema = z.strictObject({
  format: z.literal('proffer-learned-1'),
  /** Outcomes up to this instant were looked at, Unix milliseconds. */
  asOf: z.int().min(0),
  /** The pack whose models these are. */
  packHash: z.string(),
  cells: z.array(cellSchema).max(cellsMax),
  /** Channels that are tired, in the order of the pack. */
  fatigue: z.array(fatigueSchema).max(100).default([]),
})

/** Outcomes of one offer to the customers of one segment. */
export type LearnedCell = Readonly<z.output<typeof cellSchema>>
/** Messages of a channel that tired: how many were opened lately and before, and how much of its marketing still goes out. */
export type LearnedFatigue = Readonly<z.output<typeof fatigueSchema>>
export type LearnedTable = Omit<z.output<typeof tableSchema>, 'cells' | 'fatigue'> & {
  readonly cells: readonly LearnedCell[]
  readonly fatigue: readonly LearnedFatigue[]
}

/** A table with its identity: sha-256, in hex, of its canonical JSON. Plain JSON: it crosses threads. */
export type LoadedLearned = { readonly table: LearnedTable; readonly hash: string }

export type LearnedResult =
  | { readonly kind: 'ok'; readonly learned: LoadedLearned }
  | { readonly kind: 'refused'; readonly problem: string }

/** A table with its hash. Cells are put in order, so that the hash is that of what was learned and of nothing else. */
export function learnedOf(table: LearnedTable): LoadedLearned {
  const cells = [...table.cells].sort((a, b) => compare(keyOf(a), keyOf(b)))
  const ordered = { ...table, cells }
  return { table: ordered, hash: createHash('sha256').update(canonicalJson(ordered)).digest('hex') }
}

/** Reads the text of a table: refused as a whole when anything in it is not right, with a sentence that says what. */
export function readLearned(text: string): LearnedResult {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return refused('it is not JSON')
  }
  const parsed = tableSchema.safeParse(json)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return refused(`${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'is not right'}`)
  }
  const keys = new Set(parsed.data.cells.map(keyOf))
  if (keys.size < parsed.data.cells.length) return refused('it has two cells for one model, offer and segment')
  return { kind: 'ok', learned: learnedOf(parsed.data) }
}

/** Reads a table from its file, see `readLearned`. */
export async function loadLearned(file: string): Promise<LearnedResult> {
  try {
    if ((await stat(file)).size > learnedBytesMax) return refused(`it is larger than ${learnedBytesMax} bytes`)
    return readLearned(await readFile(file, 'utf8'))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed'
    return refused(`it cannot be read (${code})`)
  }
}

/** The text of a table's file. */
export function printLearned({ table }: LoadedLearned): string {
  const { cells, ...head } = table
  const rows = cells.map((cell) => `    ${JSON.stringify(cell)}`).join(',\n')
  return `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "cells": [${rows === '' ? '' : `\n${rows}\n  `}]\n}\n`
}

function keyOf({ model, offer, segment }: Pick<LearnedCell, 'model' | 'offer' | 'segment'>): string {
  return `${model}\0${offer}\0${segment}`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function refused(problem: string): LearnedResult {
  return { kind: 'refused', problem: `The learned propensities are refused: ${problem}.` }
}
