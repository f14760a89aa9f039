/** Which conditions over an event are never unknown. */
import type { EventTypeDef } from '../../ingest/event.ts'
import { type BoolTree, type NumberTree, partsOf, type StringTree } from './expression.ts'

/** A field that may be missing where it is read, and where that is. */
export type Uncertain = { readonly field: string; readonly start: number; readonly end: number }

/**
 * The first field that may be missing where the condition reads it; null: the condition is certain for every event of
 * the type. A field list that is longer than conditions look at is the one exception ingest must exclude.
 */
export function uncertainField(tree: BoolTree, event: EventTypeDef): Uncertain | null {
  const required = [...event.fields.values()].filter((field) => field.required).map((field) => field.name)
  return inCondition(tree, new Set(required))
}

function inCondition(tree: BoolTree, sure: ReadonlySet<string>): Uncertain | null {
  switch (tree.kind) {
    case 'present':
      return null
    case 'not':
      return inCondition(tree.of, sure)
    case 'and':
    case 'or': {
      // A certain false conjunct makes the whole certainly false, on whichever side it stands: so a guard on one side
      // covers the other. For `or` the same holds with `!has(...)`.
      const guards = new Set([...sure, ...guardsOf(tree, tree.kind === 'and' ? 'true' : 'false')])
      return inCondition(tree.left, guards) ?? inCondition(tree.right, guards)
    }
    case 'choose': {
      const yes = new Set([...sure, ...guardsOf(tree.test, 'true')])
      const no = new Set([...sure, ...guardsOf(tree.test, 'false')])
      return inCondition(tree.test, sure) ?? inCondition(tree.yes, yes) ?? inCondition(tree.no, no)
    }
    default: {
      const field = fieldOf(tree)
      if (field !== null && !sure.has(field)) return { field, start: tree.node.start, end: tree.node.end }
      const parts = partsOf(tree)
      for (const part of [...parts.numbers, ...parts.strings]) {
        const found = inValue(part, sure)
        if (found !== null) return { field: found, start: tree.node.start, end: tree.node.end }
      }
      for (const part of parts.bools) {
        const found = inCondition(part, sure)
        if (found !== null) return found
      }
      return null
    }
  }
}

/** Fields that are surely there when the tree is true, or when it is false. */
function guardsOf(tree: BoolTree, when: 'true' | 'false'): readonly string[] {
  if (tree.kind === 'present') return when === 'true' ? [tree.field] : []
  if (tree.kind === 'not') return guardsOf(tree.of, when === 'true' ? 'false' : 'true')
  if (tree.kind === (when === 'true' ? 'and' : 'or'))
    return [...guardsOf(tree.left, when), ...guardsOf(tree.right, when)]
  return []
}

function inValue(tree: NumberTree | StringTree, sure: ReadonlySet<string>): string | null {
  switch (tree.kind) {
    case 'eventNumber':
    case 'eventSize':
    case 'eventString':
      return sure.has(tree.field) ? null : tree.field
    case 'arithmetic':
      return inValue(tree.left, sure) ?? inValue(tree.right, sure)
    case 'chooseNumber': {
      const yes = new Set([...sure, ...guardsOf(tree.test, 'true')])
      const no = new Set([...sure, ...guardsOf(tree.test, 'false')])
      return inCondition(tree.test, sure)?.field ?? inValue(tree.yes, yes) ?? inValue(tree.no, no)
    }
    default:
      return null
  }
}

function fieldOf(tree: BoolTree): string | null {
  switch (tree.kind) {
    case 'eventFlag':
    case 'inEventList':
    case 'exists':
    case 'all':
      return tree.field
    default:
      return null
  }
}
