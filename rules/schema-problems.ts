/** What a file that does not fit its schema is told, line by line. */
import type { z } from 'zod'
import type { PackProblem, PackProblemCode } from './pack-problem.ts'
import type { Path, YamlSource } from './yaml-source.ts'

/** The problems of a file, one for each thing its schema does not take. */
export function schemaProblems(file: string, source: YamlSource, issues: readonly z.core.$ZodIssue[]): PackProblem[] {
  return issues.flatMap((issue) => {
    const path = issue.path.filter((step) => typeof step !== 'symbol')
    const rule = ruleAt(source.data, path, file)
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        file,
        line: source.lineOf([...path, key]),
        rule,
        code: 'key_unknown' as const,
        message: `${nameOf(path)} has no key "${key}". Take it away or correct its spelling; the JSON Schema in rules/schema lists the keys.`,
      }))
    }
    const code = codeOf(issue, source.data, path)
    return [{ file, line: source.lineOf(path), rule, code, message: messageOf(code, path, detailOf(issue)) }]
  })
}

function codeOf(issue: z.core.$ZodIssue, data: unknown, path: Path): PackProblemCode {
  const last = path.at(-1)
  const missing = valueAt(data, path) === undefined
  const isText = (last === 'en' || last === 'zh') && (missing || issue.code === 'too_small')
  if (isText) return 'text_missing'
  if (missing) return 'key_missing'
  const ofPacks = ['window', 'per', 'for', 'freshness', 'validFor', 'lateness']
  const durationKeys: readonly unknown[] = [...ofPacks, 'after', 'every', 'wait', 'late', 'ahead']
  return issue.code === 'invalid_format' && durationKeys.includes(last) ? 'duration_invalid' : 'value_invalid'
}

/** A list that is too long is told with its limit, as those of a whole pack are. */
function detailOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'too_big' || issue.origin !== 'array') return issue.message
  return `at most ${issue.maximum} entries are allowed, split it or drop some`
}

function messageOf(code: PackProblemCode, path: Path, detail: string): string {
  const name = nameOf(path)
  switch (code) {
    case 'text_missing':
      return `${name} is empty. Every text needs both languages: write it in English (en) and Chinese (zh).`
    case 'key_missing':
      return `${name} is missing. Add it.`
    default:
      return `${name} is not right: ${detail.replace(/^Invalid input: /, '')}.`
  }
}

/** The id of the rule a path is in, else the name of its section. */
function ruleAt(data: unknown, path: Path, file: string): string {
  const [section, position] = path
  if (section === undefined) return file
  if (typeof position === 'number') {
    const id = valueAt(data, [section, position, 'id'])
    return typeof id === 'string' ? id : `${section}[${position}]`
  }
  return String(section)
}

function nameOf(path: Path): string {
  const words = path.filter((step) => typeof step === 'string')
  return words.length === 0 ? 'The file' : `"${words.slice(1).join('.') || words[0]}"`
}

/** What stands at a place of plain data; undefined: nothing does. */
export function valueAt(data: unknown, path: Path): unknown {
  let value = data
  for (const step of path) {
    if (Array.isArray(value) && typeof step === 'number') value = value[step]
    else if (typeof value === 'object' && value !== null) value = Object.entries(value).find(([k]) => k === step)?.[1]
    else return undefined
  }
  return value
}
