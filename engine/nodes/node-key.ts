import { createHmac } from 'node:crypto'

/**
 * The key that the nodes of an installation send each other, derived from its secret: every node has it from the store, no
 * caller of the API ever sees it.
 */
export function nodeKey(salt: string): string {
  return createHmac('sha256', salt).update('proffer node to node').digest('base64url')
}
