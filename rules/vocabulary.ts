/** What the conditions of a pack may read: the variables of the frame, and the fields of the event at hand. */
import type { EventTypeDef } from '../ingest/event.ts'

/** Type of a frame variable. `enum` is read as a string that is one of its values. */
export type VariableType = 'int' | 'double' | 'money' | 'bool' | 'enum' | 'instant' | 'duration'

/** One slot of the frame. */
export type Variable = {
  /** As conditions write it: a word, or two joined by a dot, such as `card_spend_30d` or `profile.riskGrade`. */
  readonly name: string
  readonly type: VariableType
  /** The closed list of an `enum`, in the order of the codes 0, 1, 2, ...; empty otherwise. */
  readonly values: readonly string[]
  /** Index into the frame. */
  readonly index: number
}

/** All names a condition may use. `event` is null where there is no event at hand. */
export type Vocabulary = {
  readonly variables: readonly Variable[]
  readonly event: EventTypeDef | null
}

/** Words that CEL, or our own subset of it, keeps for itself. */
const reservedWords = new Set([
  ...['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import'],
  ...['let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while', 'event', 'has', 'money', 'duration'],
  ...['timestamp', 'double', 'int', 'uint', 'string', 'bool', 'bytes', 'list', 'map', 'type', 'dyn', 'null_type'],
  ...['size', 'all', 'exists', 'exists_one', 'filter', 'matches', 'contains', 'startsWith', 'endsWith', 'cel'],
  ...['google', 'optional', 'math', 'strings', 'proto'],
])

/**
 * Whether a word can name a variable, or one side of the dot in it: a letter or `_`, then letters, digits and `_`,
 * at most 64 characters, and none of the words the condition language keeps for itself.
 */
export function isUsableName(word: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(word) && !reservedWords.has(word)
}
