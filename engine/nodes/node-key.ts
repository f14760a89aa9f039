/** Keys that every node of an installation derives from its secret, which it has from the store. Each is for one purpose. */
import { createHmac } from 'node:crypto'

/**
 * The key that the nodes of an installation send each other, derived from its secret: every node has it from the store, no
 * caller of the API ever sees it.
 */
export function nodeKey(salt: string): string {
  return createHmac('sha256', salt).update('proffer node to node').digest('base64url')
}

/** The API key of an installation whose nodes share a store and were given none: the same on every node. */
export function sharedApiKey(salt: string): string {
  return `pk_${createHmac('sha256', salt).update('proffer api key').digest('base64url')}`
}

/** What aliases are sealed with before they are kept. */
export function aliasSecret(salt: string): Uint8Array {
  return createHmac('sha256', salt).update('proffer identity map').digest()
}

/** What the door signs records with, on a log that others write to. */
export function signingSecret(salt: string): Uint8Array {
  return createHmac('sha256', salt).update('proffer record signature').digest()
}

/** What history hashes the ids of erased customers with: another key than the store's, so that the two cannot be compared. */
export function historyKey(salt: string): string {
  return createHmac('sha256', salt).update('proffer erased customers in history').digest('base64url')
}

/** What records of the control log are sealed with: only nodes of the installation write there. */
export function controlSecret(salt: string): Uint8Array {
  return createHmac('sha256', salt).update('proffer control log').digest()
}
