/** One contender's run on a topic of card purchases, and whether it found the hits that it should. */
import { shown } from '../report.ts'
import { rateOf } from '../servers/bound-by.ts'
import { measureSpan, type Span } from '../servers/measure-span.ts'
import { tell } from '../servers/progress.ts'
import { partitions, type Servers } from '../servers/servers.ts'
import { fillTopic, makeTopics, readTopic } from '../servers/topics.ts'
import type { EventStream } from '../workload/stream.ts'
import type { Contender } from './contenders.ts'
import { firstDifference, type Hits } from './hits.ts'
import { referenceHits } from './reference-hits.ts'

/** What a topic was filled with: the first events of a stream that stands before them. */
export type Filling = { readonly stream: EventStream; readonly events: number }

/**
 * Makes the topic and appends the next events of the stream.
 * @throws Error when the topic does not hold as many
 */
export async function fillCardTopic(
  { connections: { brokers } }: Servers,
  topic: string,
  stream: EventStream,
  events: number,
): Promise<void> {
  tell(`filling ${topic} with ${events} events ...`)
  await makeTopics(brokers, [topic], partitions)
  await fillTopic(brokers, topic, { stream, events, partitions })
  let found = 0
  await readTopic(brokers, topic, () => found++)
  if (found !== events) throw new Error(`the topic holds ${found} of ${events} events`)
}

/**
 * Runs it from the beginning of `<prefix>events` with an empty Redis, and ends it.
 * @throws Error that names the first event at which its hits are not those of the reference
 */
export async function runContender(
  servers: Servers,
  prefix: string,
  { name, plan, start, hits }: Contender<string>,
  { stream, events }: Filling,
): Promise<{ readonly span: Span; readonly out: Hits }> {
  await servers.flush()
  const children = await start(servers, prefix)
  const measured = await measureSpan(children, servers, plan)
  const ends = children.map((child) => child.next(({ kind }) => kind === 'ended'))
  await Promise.all(children.map((child) => child.end()))
  const next: Readonly<Record<number, number>> = Object.assign({}, ...(await Promise.all(ends)).map((end) => end.next))
  const span = { ...measured, next }
  const out = await hits(servers, prefix)
  const difference = firstDifference(referenceHits(stream, events, next, partitions), out)
  if (difference !== null) throw new Error(`${name}: ${difference}`)
  const rate = shown(Math.round(rateOf(span)))
  tell(`${prefix} ${name}: ${rate} events/s, ${out.count} hits as they should be, ${out.repeats} repeated`)
  return { span, out }
}
