/**
 * The identity map in a backup. It is copied behind the partitions: what was linked before the position of one of them is in the
 * copy, and what came after it stands in the log, from where a restore takes it over.
 */
import { z } from 'zod'
import { isSealedAlias } from '../../../ingest/identity/alias.ts'
import { BATCH_MAX, type IdentityMap, type KeptIdentity } from '../../../ingest/identity/identity-map.ts'
import { isCustomerId } from '../../../ingest/validate.ts'
import { tombstoneOf } from '../../shard/tombstone.ts'
import { damaged } from './backup-error.ts'
import { type BackupRecord, textOf, textRecord } from './backup-record.ts'
import type { RecordPieces } from './backup-source.ts'
import { jsonOf } from './backup-tally.ts'

const instant = z.number().int()
const Alias = z.object({
  customerId: z
    .string()
    .refine((text) => isCustomerId(text))
    .nullable(),
  at: instant,
})
const Forgotten = z.object({ until: instant })

/** Everything that the map keeps, as records. */
export async function* identityRecords(map: Pick<IdentityMap, 'all'>): RecordPieces {
  for await (const piece of map.all()) yield piece.map(recordOf)
}

/**
 * Keeps the identities among the records of a backup, but for those of customers whose tombstones came before: between the
 * commit of an erasure and the moment when the map forgets the customer a copy may have been made.
 */
export class IdentityRestorer {
  readonly #map: IdentityMap
  readonly #salt: string
  readonly #erased = new Set<string>()

  /** @param salt of the installation */
  constructor(map: IdentityMap, salt: string) {
    this.#map = map
    this.#salt = salt
  }

  /** @throws BackupError `backup_damaged`, IdentityError */
  async take(records: readonly BackupRecord[]): Promise<void> {
    const kept: KeptIdentity[] = []
    for (const record of records) {
      if (record.kind === 'tombstone') this.#erased.add(record.key)
      const one = keptOf(record)
      if (one !== null && !this.#isErased(one)) kept.push(one)
    }
    for (let from = 0; from < kept.length; from += BATCH_MAX) await this.#map.keep(kept.slice(from, from + BATCH_MAX))
  }

  #isErased(one: KeptIdentity): boolean {
    if (one.kind === 'forgotten' || one.customerId === null || this.#erased.size === 0) return false
    return this.#erased.has(tombstoneOf(this.#salt, one.customerId))
  }
}

function recordOf(kept: KeptIdentity): BackupRecord {
  if (kept.kind === 'forgotten') return textRecord('forgotten', kept.customer, JSON.stringify({ until: kept.until }))
  return textRecord('alias', kept.alias, JSON.stringify({ customerId: kept.customerId, at: kept.at }))
}

function keptOf(record: BackupRecord): KeptIdentity | null {
  if (record.kind === 'forgotten') return { kind: 'forgotten', customer: record.key, ...checked(Forgotten, record) }
  if (record.kind !== 'alias') return null
  if (!isSealedAlias(record.key)) throw damaged('identity.proffer', 'an alias is not one')
  return { kind: 'alias', alias: record.key, ...checked(Alias, record) }
}

function checked<Value>(schema: z.ZodType<Value>, record: BackupRecord): Value {
  const parsed = schema.safeParse(jsonOf(textOf(record)))
  if (!parsed.success) throw damaged('identity.proffer', 'what is kept of an alias or a customer is not that')
  return parsed.data
}
