/** `/openapi.json`: OpenAPI 3.1, generated from the schemas that check the calls. */

import { z } from 'zod'
import { certificateSchema } from '../proof/certificate.ts'
import { packStatusAnswer } from './active-pack.ts'
import { dryRunBody } from './dry-runs.ts'
import { problems } from './http.ts'
import { governanceOperations } from './openapi-governance.ts'
import type { Operation } from './openapi-operation.ts'
import {
  decisionAnswer,
  decisionBody,
  eraseBody,
  eventsAnswer,
  eventsBody,
  permitAnswer,
  permitBody,
  sqlBody,
} from './schemas.ts'
import { shadowBody } from './shadow.ts'
import { sourceBody } from './sources.ts'
import { whatIfBody } from './what-ifs.ts'

const operations: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/events',
    summary: 'Hands in one event or a batch; answered when they are committed.',
    body: eventsBody,
    bodyTypes: ['application/cloudevents+json', 'application/cloudevents-batch+json', 'application/json'],
    answer: eventsAnswer,
    answers: { '202': 'In the log, not yet committed when the deadline passed: positions to ask with.' },
    query: { deadlineMs: 'Longest wait for the commit in milliseconds.' },
  },
  {
    method: 'post',
    path: '/v1/decisions',
    summary: 'What to show this customer now.',
    body: decisionBody,
    answer: decisionAnswer,
  },
  {
    method: 'get',
    path: '/v1/decisions/{id}',
    summary: 'A decision with all candidates and the explanation in words.',
    pathParts: { id: 'Decision id, 32 hex digits.' },
    query: {
      language: 'en or zh; else by Accept-Language.',
      for: 'staff (default), manager or customer: for others than staff only words that give nothing away, no record.',
    },
  },
  {
    method: 'post',
    path: '/v1/permits/{decisionId}',
    summary:
      'Whether the message of a decision may be sent now; to be asked right before it is. Without a 200 there is no permit.',
    body: permitBody,
    answer: permitAnswer,
    pathParts: { decisionId: 'Decision id, 32 hex digits.' },
  },
  {
    method: 'get',
    path: '/v1/customers/{id}',
    summary: 'Every feature of a customer by name with value, class and window.',
    pathParts: { id: 'Customer id, or an alias such as @device:7f3a.' },
  },
  {
    method: 'post',
    path: '/v1/customers/{id}/erase',
    summary: 'Erases a customer everywhere; answered with the receipt when it is committed.',
    body: eraseBody,
    answers: { '202': 'In the log, not yet committed when the deadline passed: ask for the receipt later.' },
    pathParts: { id: 'Customer id, or an alias such as @device:7f3a.' },
    query: { deadlineMs: 'Longest wait for the commit in milliseconds.' },
  },
  {
    method: 'get',
    path: '/v1/customers/{id}/erasure',
    summary: 'What is left of an erased customer, store by store, with the means to see for oneself.',
    pathParts: { id: 'Customer id.' },
  },
  {
    method: 'get',
    path: '/v1/explain',
    summary: 'Why an event of a customer led to what it led to, or to nothing.',
    query: { customer: 'Customer id or alias.', event: 'Event id.', language: 'en or zh.' },
  },
  {
    method: 'get',
    path: '/v1/packs/{hash}/certificate',
    summary: 'The proof that nothing a rule pack forbids can leave, as it was when the pack was put in force.',
    answer: certificateSchema,
    pathParts: { hash: 'Version of the pack, 64 hex digits.' },
  },
  {
    method: 'get',
    path: '/v1/packs/active',
    summary: 'Which rule pack every shard of every node runs, and since when.',
    answer: packStatusAnswer,
  },
  {
    method: 'post',
    path: '/v1/dry-runs',
    summary:
      'What a request or an event would lead to for a customer, under the pack in force or another; nothing is touched.',
    body: dryRunBody,
  },
  {
    method: 'post',
    path: '/v1/shadow',
    summary:
      'Begins a shadow: a candidate version follows live traffic without effects, until it is stopped. One a node.',
    body: shadowBody,
  },
  { method: 'get', path: '/v1/shadow', summary: 'How far the shadow is, how many decisions differ.' },
  {
    method: 'get',
    path: '/v1/shadow/report',
    summary: 'Who gains and who loses under the shadow, by day and offer; refusals.',
  },
  { method: 'post', path: '/v1/shadow/stop', summary: 'Ends the shadow. What it found stays in the history.' },
  {
    method: 'post',
    path: '/v1/what-ifs',
    summary:
      'Begins to work out what a candidate version would have decided over the days behind us, beside the pack in force. One at a time; answers at once.',
    body: whatIfBody,
  },
  {
    method: 'get',
    path: '/v1/what-ifs',
    summary: 'How far the last what-if is, and its report.',
    query: { examples: 'yes: with ids of some customers who gain or lose, for operator and compliance.' },
  },
  { method: 'post', path: '/v1/what-ifs/stop', summary: 'Stops the what-if. Nothing of it is kept.' },
  { method: 'get', path: '/v1/quarantine', summary: 'Rules that are out of service on this node because they failed.' },
  {
    method: 'post',
    path: '/v1/quarantine/lift',
    summary: 'Puts a rule back into service on this node.',
    query: { rule: 'Name of the rule, such as guardrail:no-credit.' },
  },
  { method: 'get', path: '/v1/sources', summary: 'Sources of data: ground, purposes, and which the bank revoked.' },
  {
    method: 'post',
    path: '/v1/sources/{id}/revoke',
    summary: 'Revokes a source at once: its events move nothing, and what it brought is unknown.',
    body: sourceBody,
    pathParts: { id: 'Source id.' },
  },
  {
    method: 'post',
    path: '/v1/sources/{id}/restore',
    summary: 'Takes the revocation of a source back.',
    body: sourceBody,
    pathParts: { id: 'Source id.' },
  },
  { method: 'get', path: '/v1/partitions', summary: 'State and position of every partition.' },
  { method: 'get', path: '/v1/stock', summary: 'What is left of each resource of the pack, and what is promised.' },
  {
    method: 'post',
    path: '/v1/partitions/{partition}/reopen',
    summary: 'Tries a closed partition again.',
    pathParts: { partition: 'Number of the partition.' },
    query: {
      lost: 'keep_closed (default), or skip_lost: go on although the log lost events that were not yet applied.',
    },
  },
  {
    method: 'get',
    path: '/v1/decisions/{id}/replay',
    summary: 'Computes a decision again from what it was made of and compares the record byte by byte. Two at once.',
    pathParts: { id: 'Decision id, 32 hex digits.' },
  },
  { method: 'get', path: '/v1/replays', summary: 'How far the replay is that runs, or what came of the last one.' },
  {
    method: 'post',
    path: '/v1/replays',
    summary: 'Replays the record from its beginning and compares every decision of a day. Answers at once.',
    query: {
      day: "A day in the bank's zone, such as 2026-11-25.",
      from: 'In place of day, with to: an instant such as 2026-11-25T00:00:00Z.',
      to: 'The instant behind the last one compared.',
    },
  },
  { method: 'post', path: '/v1/replays/halt', summary: 'Ends the replay that runs.' },
  {
    method: 'get',
    path: '/v1/backfill',
    summary: 'How far features that a pack added later are filled from the log, and what is missing.',
  },
  {
    method: 'post',
    path: '/v1/backfill',
    summary: 'Fills in the past of features that a pack added, or goes on where it was halted. Answers at once.',
    query: { hours: 'It is halted when it is not done by then: 1 to 720, 24 when absent.' },
  },
  { method: 'post', path: '/v1/backfill/halt', summary: 'Halts the backfill where it is, on all nodes.' },
  {
    method: 'get',
    path: '/v1/dead-letters',
    summary: 'What was refused, newest first.',
    query: { limit: '1 to 1000.', reason: 'Only this reason.', after: 'Continue after this id.' },
  },
  {
    method: 'get',
    path: '/v1/dead-letters/{id}',
    summary: 'One dead letter with its bytes (base64).',
    pathParts: { id: 'Dead letter id.' },
  },
  {
    method: 'post',
    path: '/v1/dead-letters/{id}/redrive',
    summary: 'Hands a dead letter in again.',
    pathParts: { id: 'Dead letter id.' },
  },
  {
    method: 'get',
    path: '/v1/tail',
    summary: 'Decisions in the order they left, a page at a time.',
    query: { cursor: 'Where the last page ended; absent: from now.', limit: '1 to 1000.' },
  },
  { method: 'post', path: '/v1/sql', summary: 'A read-only query over the history.', body: sqlBody },
  ...governanceOperations,
  { method: 'get', path: '/livez', summary: 'The process is alive.', open: true },
  {
    method: 'get',
    path: '/readyz',
    summary: 'Every partition of this node runs and the log answers; 503 says what does not.',
    open: true,
  },
  { method: 'get', path: '/metrics', summary: 'Prometheus metrics.' },
  { method: 'get', path: '/openapi.json', summary: 'This document.', open: true },
]

/** The document. */
export function openApi(version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const operation of operations) {
    paths[operation.path] ??= {}
    const entry = paths[operation.path]
    if (entry !== undefined) entry[operation.method] = describe(operation)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'proffer',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description: 'Real-time decisioning: events in, guarded offers out, each with its reasons.',
    },
    paths,
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
      schemas: {
        Problem: {
          type: 'object',
          required: ['type', 'title', 'status', 'code'],
          properties: {
            type: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
            detail: { type: 'string' },
            code: { type: 'string', enum: Object.keys(problems) },
            schemas: {
              type: 'string',
              description: 'Where the schemas of bodies are, when the body is what is wrong.',
            },
          },
        },
      },
    },
  }
}

function describe(operation: Operation): object {
  const parameters = [
    ...Object.entries(operation.pathParts ?? {}).map(([name, description]) => parameter(name, 'path', description)),
    ...Object.entries(operation.query ?? {}).map(([name, description]) => parameter(name, 'query', description)),
  ]
  const problemContent = {
    'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
  }
  return {
    summary: operation.summary,
    ...(operation.open === true ? {} : { security: [{ key: [] }] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(operation.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: Object.fromEntries(
              (operation.bodyTypes ?? ['application/json']).map((type) => [type, { schema: schemaOf(operation.body) }]),
            ),
          },
        }),
    responses: {
      '200': {
        description: 'Done.',
        ...(operation.answer === undefined
          ? {}
          : { content: { 'application/json': { schema: schemaOf(operation.answer) } } }),
      },
      ...Object.fromEntries(
        Object.entries(operation.answers ?? {}).map(([status, text]) => [status, { description: text }]),
      ),
      '4XX': { description: 'The call was refused; the code says why.', content: problemContent },
      '5XX': { description: 'The engine cannot answer now.', content: problemContent },
    },
  }
}

const wholeNumbers: ReadonlySet<string> = new Set(['deadlineMs', 'hours', 'limit', 'partition'])

function parameter(name: string, where: 'path' | 'query', description: string): object {
  const type = wholeNumbers.has(name) ? 'integer' : 'string'
  return { name, in: where, required: where === 'path', description, schema: { type } }
}

function schemaOf(schema: z.ZodType | undefined): object {
  if (schema === undefined) return {}
  const { $schema: _, ...rest } = z.toJSONSchema(schema)
  return rest
}
