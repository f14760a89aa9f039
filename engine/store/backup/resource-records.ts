/**
 * Resources in a backup. They are copied behind the partitions: a commit reserves before it is applied, so every reservation
 * that a copied state relies on is there, and what is too much lapses with its lease or is found again by its id.
 */
import { z } from 'zod'
import { type Resources, unitsMax } from '../resource.ts'
import { damaged } from './backup-error.ts'
import { type BackupRecord, textOf, textRecord } from './backup-record.ts'
import type { RecordPieces } from './backup-source.ts'
import { jsonOf } from './backup-tally.ts'

const units = z.number().int().min(0).max(unitsMax)
const Totals = z.object({ capacity: units.nullable() })
const Held = z.object({ amount: units.min(1), leaseUntil: z.number().int().nullable() })

/** Everything that the resources keep, as records. */
export async function* resourceRecords(resources: Resources): RecordPieces {
  let last = ''
  for await (const { name, capacity, reservations } of resources.all()) {
    const piece: BackupRecord[] = []
    if (name !== last) piece.push(textRecord('resource', name, JSON.stringify({ capacity })))
    last = name
    for (const { id, amount, leaseUntil } of reservations) {
      piece.push(textRecord('reservation', id, JSON.stringify({ amount, leaseUntil })))
    }
    yield piece
  }
}

/** Makes resources from their records, in the same order. */
export class ResourceRestorer {
  readonly #resources: Resources
  #open: { readonly name: string; readonly capacity: number | null } | null = null

  constructor(resources: Resources) {
    this.#resources = resources
  }

  /** @throws BackupError `backup_damaged`, StoreError */
  async take(records: readonly BackupRecord[]): Promise<void> {
    let calls: Promise<unknown>[] = []
    for (const record of records) {
      if (record.kind === 'resource') {
        await Promise.all(calls)
        calls = []
        await this.finish()
        const { capacity } = checked(Totals, record)
        this.#open = { name: record.key, capacity }
        // Room for all that was promised, be it too much.
        if (capacity !== null) await this.#resources.define(record.key, unitsMax)
      } else if (record.kind === 'reservation') {
        calls.push(this.#keep(record))
      }
    }
    await Promise.all(calls)
  }

  /** Gives the last resource its own capacity. */
  async finish(): Promise<void> {
    const open = this.#open
    this.#open = null
    if (open !== null && open.capacity !== null) await this.#resources.define(open.name, open.capacity)
  }

  #keep(record: BackupRecord): Promise<unknown> {
    const { amount, leaseUntil } = checked(Held, record)
    if (this.#open === null) throw damaged('shared.proffer', 'a reservation has no resource')
    const { name } = this.#open
    if (leaseUntil === null) return this.#resources.confirm(name, record.key, amount)
    return this.#resources.reserve(name, record.key, { amount, leaseUntil, now: leaseUntil - 1 })
  }
}

function checked<Value>(schema: z.ZodType<Value>, record: BackupRecord): Value {
  const parsed = schema.safeParse(jsonOf(textOf(record)))
  if (!parsed.success) throw damaged('shared.proffer', `a ${record.kind} is not one`)
  return parsed.data
}
