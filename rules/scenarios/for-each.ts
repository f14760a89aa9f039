/** The table of a scenario file: one case for each combination of its values, written into the file where `<name>` stands. */
import type { PackProblemCode } from '../pack-problem.ts'
import type { Path } from '../yaml-source.ts'

/** Most cases of a file. */
export const casesMax = 500
/** Most places that are filled in for one case. Values may hold other placeholders, so that they could multiply. */
const fillsMax = 10_000
const depthMax = 8
/** Longest value within a longer text, characters. */
const wordsMax = 200

/** Names with their values. */
export type Table = Readonly<Record<string, readonly unknown[]>>

/** One combination. `label`: its values in words, such as `student, beauty`. */
export type Case = { readonly label: string; readonly values: ReadonlyMap<string, unknown> }

/** What cannot be filled in. */
export type FillProblem = { readonly path: Path; readonly code: PackProblemCode; readonly message: string }

/** Every combination, the last name changing fastest; null when there are more than `casesMax`. */
export function casesOf(table: Table): readonly Case[] | null {
  let cases: readonly Case[] = [{ label: '', values: new Map() }]
  for (const [name, values] of Object.entries(table)) {
    if (cases.length * values.length > casesMax) return null
    cases = cases.flatMap((before) =>
      values.map((value) => ({
        label: before.label === '' ? labelOf(value) : `${before.label}, ${labelOf(value)}`,
        values: new Map([...before.values, [name, value]]),
      })),
    )
  }
  return cases
}

/**
 * The data with every `<name>` and `<name.key>` replaced. A text that is nothing else becomes the value as it is, with whatever
 * it holds; within a longer text, and in a key, it becomes its words.
 *
 * @returns also the names that were used, and what cannot be filled in, by its place in `data`
 */
export function fillIn(
  data: unknown,
  { values }: Case,
): { readonly data: unknown; readonly used: ReadonlySet<string>; readonly problems: readonly FillProblem[] } {
  const used = new Set<string>()
  const problems: FillProblem[] = []
  const refuse = (path: Path, message: string): void => {
    problems.push({ path, code: 'placeholder_unknown', message })
  }
  let fills = 0
  let isFull = false

  function look(words: string, path: Path): unknown {
    const [name = '', ...keys] = words.split('.')
    used.add(name)
    let value = values.get(name)
    for (const key of keys) value = isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined
    if (value === undefined)
      refuse(path, `There is no <${words}> under "for each" for this case. Add it, or correct its spelling.`)
    return value ?? null
  }

  /** Whether there is room for one more; the first one without is told. */
  function isWithin(words: string, path: Path, depth: number): boolean {
    if (isFull) return false
    if (++fills <= fillsMax && depth < depthMax) return true
    isFull = true
    refuse(path, `<${words}> stands for itself, or the table for too much.`)
    return false
  }

  function text(whole: string, path: Path): string {
    return whole.replace(placeholders, (_match, words: string) => {
      if (!isWithin(words, path, 0)) return ''
      const value = look(words, path)
      const said = isRecord(value) || Array.isArray(value) ? null : String(value)
      if (said !== null && said.length <= wordsMax) return said
      refuse(path, `<${words}> is more than a few words, so it has to stand alone.`)
      return ''
    })
  }

  function fill(value: unknown, path: Path, depth: number): unknown {
    if (typeof value === 'string') {
      const alone = placeholder.exec(value)?.[1]
      if (alone === undefined) return text(value, path)
      return isWithin(alone, path, depth) ? fill(look(alone, path), path, depth + 1) : null
    }
    if (Array.isArray(value)) return value.map((item: unknown, i) => fill(item, [...path, i], depth))
    if (!isRecord(value)) return value
    const filled = new Map<string, unknown>()
    for (const [key, item] of Object.entries(value)) {
      const own = text(key, path)
      if (filled.has(own)) refuse([...path, key], `"${own}" is there twice, once <names> are filled in.`)
      filled.set(own, fill(item, [...path, key], depth))
    }
    return Object.fromEntries(filled)
  }

  return { data: fill(data, [], 0), used, problems }
}

const name = '<([a-z][A-Za-z0-9_]*(?:[.][A-Za-z][A-Za-z0-9_]*)*)>'
const placeholder = new RegExp(`^${name}$`)
const placeholders = new RegExp(name, 'g')

function labelOf(value: unknown): string {
  return isRecord(value) ? String(value['name']) : String(value)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
