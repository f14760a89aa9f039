/** Hands events to the engine that runs, over its API. */
import { printCloudEvent } from '../../ingest/cloud-event.ts'
import { type RejectReason, rejectReasons } from '../../ingest/event.ts'
import type { RowOutcome } from '../../ingest/import/ledger.ts'
import { apiKeyOf } from '../api/api-key.ts'
import type { Config } from '../config.ts'
import { ClientError, createClient, isRecord, problemText } from './client.ts'
import type { Door } from './import-file.ts'

const deadlineMs = 30_000

/**
 * A door to the running engine.
 * @throws ClientError when it offers no address
 */
export async function submitOverHttp(config: Config, address: string | null): Promise<Door> {
  if (address === null)
    throw new ClientError('The engine of this DATA_DIR offers no address to hand events in. Try again when it is done.')
  const { key } = await apiKeyOf({ dataDir: config.DATA_DIR, key: config.API_KEY, keyFile: config.API_KEY_FILE })
  const client = createClient(address, key)
  return {
    submit: async (events) => {
      const outcomes: RowOutcome[] = []
      for (let from = 0; from < events.length; from += config.EVENTS_MAX) {
        const page = events.slice(from, from + config.EVENTS_MAX).map(printCloudEvent)
        const reply = await client.post(
          `/v1/events?deadlineMs=${deadlineMs}`,
          page,
          'application/cloudevents-batch+json',
        )
        const list = isRecord(reply.body) ? reply.body['events'] : undefined
        if (reply.status !== 200 || !Array.isArray(list))
          throw new ClientError(`${problemText(reply)}. Run the same command again.`)
        for (const entry of list) outcomes.push(outcomeOf(entry))
      }
      return outcomes
    },
    advanceClock: () => undefined,
    outcome: async () => null,
    close: async () => undefined,
  }
}

/** The engine's word for what became of an event, as the import keeps it. */
function outcomeOf(entry: unknown): RowOutcome {
  const { status, reason } = isRecord(entry) ? entry : {}
  if (status === 'accepted' || status === 'duplicate') return status
  if (status === 'dead_lettered' && isRejectReason(reason)) return reason
  throw new ClientError('Rows are in the log but were not committed in time. Run the same command again.')
}

function isRejectReason(reason: unknown): reason is RejectReason {
  return rejectReasons.some((known) => known === reason)
}
