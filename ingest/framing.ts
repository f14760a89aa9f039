/** Confluent framing: 0x00, the schema id as four bytes big endian, the record. */

/** Magic byte and schema id. */
export const FRAME_BYTES = 5

/** The schema id of framed bytes, 0 to 2^32 - 1; -1 when they are not framed. */
export function frameId(bytes: Uint8Array): number {
  if (bytes.length < FRAME_BYTES || bytes[0] !== 0) return -1
  return bytes[1]! * 0x1000000 + ((bytes[2]! << 16) | (bytes[3]! << 8) | bytes[4]!)
}
