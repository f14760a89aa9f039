/** The codecs of both logs, with the ids of this release or of a schema registry. */
import { createEventCodec, type EventCodec, ownEventCodec } from '../ingest/avro-codec.ts'
import { schemaCatalogue } from '../ingest/event-types.ts'
import { cachedRegistry } from '../ingest/registry/cached-registry.ts'
import { createHttpRegistry } from '../ingest/registry/http-registry.ts'
import { createSchemaLearning, type SchemaLearning } from '../ingest/registry/schema-learning.ts'
import { createDecisionCodec, type DecisionCodec, ownDecisionCodec } from './decision-codec.ts'

/** Where schemas have their ids from, as plain data: every thread and process that decodes makes its own codecs of it. */
export type SchemaPlace =
  | { readonly kind: 'own' }
  | {
      readonly kind: 'registry'
      readonly url: string
      /** Value of the `authorization` header; null: none, or in the URL. */
      readonly authorization: string | null
      /** The ids that the registry gave our schemas: by event type, and that of decisions. */
      readonly eventIds: Readonly<Record<string, number>>
      readonly decisionId: number
    }

export type Codecs = {
  readonly events: EventCodec
  readonly decisions: DecisionCodec
  /** To be called with the bytes of events before they are decoded, see `SchemaLearning`. Without a registry always null. */
  readonly learnEvents: SchemaLearning
  readonly learnDecisions: SchemaLearning
}

const nothingToLearn: SchemaLearning = () => null

const ownCodecs: Codecs = {
  events: ownEventCodec,
  decisions: ownDecisionCodec,
  learnEvents: nothingToLearn,
  learnDecisions: nothingToLearn,
}

/** Codecs that nobody else's learning changes: those of a registry are made for the caller, those of this release's ids learn nothing. */
export function openCodecs(place: SchemaPlace): Codecs {
  if (place.kind === 'own') return ownCodecs
  const { url, authorization, eventIds, decisionId } = place
  const registry = cachedRegistry(createHttpRegistry({ url, ...(authorization === null ? {} : { authorization }) }))
  const events = createEventCodec(schemaCatalogue, new Map(Object.entries(eventIds)))
  const decisions = createDecisionCodec(decisionId)
  return {
    events,
    decisions,
    learnEvents: createSchemaLearning(registry, events),
    learnDecisions: createSchemaLearning(registry, decisions),
  }
}
