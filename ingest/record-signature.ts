import { Buffer } from 'node:buffer'
import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import type { LogRecord, NewRecord } from './log.ts'

/** Header that carries the signature, as 64 hexadecimal digits. */
export const SIGNATURE_HEADER = 'proffer-sig'
/** Fewer bytes are no secret. */
export const SECRET_BYTES_MIN = 32

/** Signs records of a log that others may write too, so that what came through our own door can be told from what did not. */
export type RecordSignature = {
  /** The record with its signature among the headers. */
  sign(record: NewRecord): NewRecord
  /** Whether key and value are those that were signed with this secret. False without a signature. */
  verify(record: Pick<LogRecord, 'key' | 'value' | 'headers'>): boolean
}

/**
 * HMAC-SHA256 over key and value. It says who wrote a record, not when or how often: a copy of a signed record verifies too,
 * and is recognised as a duplicate by the event's id.
 * @param secret of the installation, the same on all its nodes
 */
export function createRecordSignature(secret: Uint8Array): RecordSignature {
  if (secret.length < SECRET_BYTES_MIN) throw new RangeError(`a signing secret has at least ${SECRET_BYTES_MIN} bytes`)
  const key = createSecretKey(secret)

  function digest(record: Pick<LogRecord, 'key' | 'value'>): Buffer {
    // The length of the key first: without it the end of a key could be moved into the value.
    const length = Buffer.alloc(4)
    length.writeUInt32LE(Buffer.byteLength(record.key), 0)
    return createHmac('sha256', key).update(length).update(record.key, 'utf8').update(record.value).digest()
  }

  return {
    sign: (record) => ({
      ...record,
      headers: { ...record.headers, [SIGNATURE_HEADER]: digest(record).toString('hex') },
    }),
    verify(record) {
      const said = record.headers?.[SIGNATURE_HEADER]
      if (said === undefined || !/^[0-9a-f]{64}$/.test(said)) return false
      return timingSafeEqual(Buffer.from(said, 'hex'), digest(record))
    },
  }
}
