/** What `/openapi.json` says of keys, versions and the audit. */
import { packBody } from '../workshop/work.ts'
import { keyBody, revokeBody } from './keys.ts'
import type { Operation } from './openapi-operation.ts'
import { whyBody } from './versions.ts'

const number = { number: 'Number of the version.' }

export const governanceOperations: readonly Operation[] = [
  { method: 'get', path: '/v1/keys', summary: 'The keys that may call beside the owner’s: names, roles, no secrets.' },
  { method: 'post', path: '/v1/keys', summary: 'Makes a key. It is in this answer and never again.', body: keyBody },
  {
    method: 'post',
    path: '/v1/keys/{name}/revoke',
    summary: 'Revokes all keys of a name, at once.',
    body: revokeBody,
    pathParts: { name: 'Name of the keys.' },
  },
  {
    method: 'post',
    path: '/v1/packs/check',
    summary: 'Checks a rule pack and proves it; answers what `proffer check --json` prints. Nothing is kept.',
    body: packBody,
  },
  {
    method: 'post',
    path: '/v1/packs/test',
    summary: 'Plays the scenarios of a rule pack; answers what `proffer test --json` prints. Nothing is kept.',
    body: packBody,
  },
  {
    method: 'get',
    path: '/v1/versions',
    summary: 'The versions of the rule pack, newest first, and whether each can be put in force (`activate`).',
  },
  {
    method: 'post',
    path: '/v1/versions',
    summary: 'Proposes the next version: it is checked, proven and its scenarios are played first.',
    body: packBody,
  },
  { method: 'get', path: '/v1/versions/{number}', summary: 'One version and where it stands.', pathParts: number },
  { method: 'get', path: '/v1/versions/{number}/files', summary: 'Its sources, as they came.', pathParts: number },
  {
    method: 'get',
    path: '/v1/versions/{number}/diff',
    summary: 'What changed, by definition, and why compliance has to approve it.',
    pathParts: number,
    query: { from: 'Number of the version to compare with; absent: the one in force.' },
  },
  {
    method: 'post',
    path: '/v1/versions/{number}/approve',
    summary: 'Approves a version that somebody else proposed.',
    body: whyBody,
    pathParts: number,
  },
  {
    method: 'post',
    path: '/v1/versions/{number}/reject',
    summary: 'Rejects a version: it is never put in force.',
    body: whyBody,
    pathParts: number,
  },
  {
    method: 'post',
    path: '/v1/versions/{number}/activate',
    summary: 'Puts an approved version in force; answered when every shard of every node has confirmed.',
    body: whyBody,
    pathParts: number,
  },
  {
    method: 'post',
    path: '/v1/versions/rollback',
    summary: 'Goes back to the version that was in force before.',
    body: whyBody,
  },
  {
    method: 'get',
    path: '/v1/audit',
    summary: 'Who did what to the installation, when and why, newest first; refusals too.',
    query: { limit: '1 to 1000; 100 when absent.', before: 'Only records before this number.' },
  },
  { method: 'get', path: '/v1/audit/verify', summary: 'Reads the whole control log and looks at every link.' },
]
