/** Hands events to the engine that runs, over its API. */
import { printCloudEvent } from '../../ingest/cloud-event.ts'
import { type RejectReason, rejectReasons } from '../../ingest/event.ts'
import type { RowOutcome } from '../../ingest/import/ledger.ts'
import { type Client, ClientError, isRecord, problemText } from './client.ts'
import type { Door } from './import-file.ts'

const deadlineMs = 30_000

/** A door to an engine that runs. Events go as pages of at most `eventsMax`. */
export function submitOverHttp(client: Client, eventsMax: number): Door {
  return {
    submit: async (events) => {
      const outcomes: RowOutcome[] = []
      for (let from = 0; from < events.length; from += eventsMax) {
        const page = events.slice(from, from + eventsMax).map(printCloudEvent)
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
