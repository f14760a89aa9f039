/**
 * The schema registry port: which Avro schema a wire id means, and which id a schema of ours has.
 *
 * An id means one schema for ever. Deadlines are milliseconds from the call on. Adapters pass the one suite in
 * `test/conformance/schema-registry.ts`.
 */

/** Longest schema text that is taken, bytes of UTF-8. */
export const SCHEMA_BYTES_MAX = 262_144

/** Largest id of the wire framing: registries number from 1 on in 31 bits. */
export const SCHEMA_ID_MAX = 0x7fff_ffff

/** What a registry says about an id; each answer is definite. */
export type SchemaAnswer =
  | { readonly kind: 'schema'; readonly text: string }
  /** The registry has no schema of that id. */
  | { readonly kind: 'unknown' }
  /** It has one, longer than `SCHEMA_BYTES_MAX`. */
  | { readonly kind: 'too_large' }

export type SchemaRegistry = {
  /**
   * The schema an id means. A registry that cannot be asked is an error, never `unknown`.
   * @param id 1 to `SCHEMA_ID_MAX`
   * @throws SchemaRegistryError `registry_unavailable`, `registry_denied`, `answer_unexpected`
   */
  schemaOf(id: number, deadlineMs: number): Promise<SchemaAnswer>
  /**
   * The id of a schema under a subject; a schema that is there already keeps its id.
   * @throws SchemaRegistryError `schema_incompatible`, `schema_refused`, and those of `schemaOf`
   */
  register(subject: string, schema: string, deadlineMs: number): Promise<number>
}

export type SchemaRegistryErrorCode =
  /** Not reached in time, or it failed. */
  | 'registry_unavailable'
  /** It wants other credentials. */
  | 'registry_denied'
  /** Something answered that does not speak the API, such as a proxy or a wrong path. */
  | 'answer_unexpected'
  /** The subject has an earlier version that the schema does not go with. */
  | 'schema_incompatible'
  /** The registry takes no such schema. */
  | 'schema_refused'

/** Failed call of a registry, translated once in the adapter. Holds no credentials. */
export class SchemaRegistryError extends Error {
  readonly code: SchemaRegistryErrorCode
  /** Whether the same call may succeed later without anybody changing anything here. */
  readonly retryable: boolean
  constructor(code: SchemaRegistryErrorCode, message: string, options: { retryable: boolean; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.code = code
    this.retryable = options.retryable
  }
}
