/** The frame of a pack: which variables its conditions may read, in which order, of which type. */
import type { EventTypeDef, FieldType } from '../ingest/event.ts'
import type { FeatureModel, Model } from './model.ts'
import type { Variable, VariableType, Vocabulary } from './vocabulary.ts'

/** The variable that says whether the data behind the input may lawfully be used; true for live requests. */
export const lawfulName = 'source.lawful'

export type EventTypes = ReadonlyMap<string, EventTypeDef>

/**
 * The variables of a pack in the order of the frame: attributes, features, `source.lawful`. A feature whose event or
 * field does not exist is read as a number of type double, so that one mistake is reported once.
 */
export function variablesOf(model: Model, eventTypes: EventTypes): readonly Variable[] {
  const attributes = model.attributes.map((attribute) => ({
    name: `profile.${attribute.id}`,
    type: attribute.type === 'age' ? ('int' as const) : attribute.type,
    values: attribute.values,
  }))
  const features = model.features.map((feature) => ({
    name: feature.id,
    type: featureType(feature, eventTypes),
    values: [],
  }))
  const lawful = { name: lawfulName, type: 'bool' as const, values: [] }
  return [...attributes, ...features, lawful].map((variable, index) => ({ ...variable, index }))
}

/** Makes the vocabularies of a pack, one for each event type and one without an event. */
export function vocabulariesOf(
  variables: readonly Variable[],
  eventTypes: EventTypes,
): { readonly plain: Vocabulary; readonly on: (event: string) => Vocabulary } {
  const plain: Vocabulary = { variables, event: null }
  const made = new Map<string, Vocabulary>()
  return {
    plain,
    on: (event) => {
      const known = made.get(event)
      if (known !== undefined) return known
      const vocabulary = { variables, event: eventTypes.get(event) ?? null }
      made.set(event, vocabulary)
      return vocabulary
    },
  }
}

/** The type a field has as a number of the frame; null for texts and lists, which have none. */
export function numericType(type: FieldType): VariableType | null {
  return type === 'int' || type === 'double' || type === 'money' || type === 'instant' ? type : null
}

function featureType(feature: FeatureModel, eventTypes: EventTypes): VariableType {
  switch (feature.kind) {
    case 'count':
    case 'distinct':
      return 'int'
    case 'growth':
      return 'double'
    case 'time_since':
      return 'duration'
    default: {
      const field = feature.value === null ? undefined : eventTypes.get(feature.event)?.fields.get(feature.value)
      const type = field === undefined ? null : numericType(field.type)
      return type === 'int' && feature.kind === 'average' ? 'double' : (type ?? 'double')
    }
  }
}
