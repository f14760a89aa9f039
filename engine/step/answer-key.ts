import { hash64 } from '../../ingest/hash.ts'

/**
 * Under what an answer to a request is remembered. One that is not personal has another name: what was chosen from what is known of a customer is not
 * given again to who objected since.
 * @param into takes the two halves, the high one first
 */
export function answerKey(
  { requestId, placement }: { readonly requestId: string; readonly placement: string },
  isPersonal: boolean,
  into: Uint32Array,
): void {
  hash64(isPersonal ? `${requestId}\0${placement}` : `${requestId}\0${placement}\0`, into)
}
