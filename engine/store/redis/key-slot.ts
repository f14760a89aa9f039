/** Number of hash slots of a Redis Cluster. */
export const slots = 16_384

/**
 * The slot of a key in Redis Cluster: CRC-16/XMODEM over the hash tag, which is what stands between the first `{` and the next
 * `}`, or over the whole key when there is none. For ASCII keys.
 */
export function keySlot(key: string): number {
  const open = key.indexOf('{')
  const close = open < 0 ? -1 : key.indexOf('}', open)
  const hashed = close > open + 1 ? key.slice(open + 1, close) : key
  let crc = 0
  for (let i = 0; i < hashed.length; i++) {
    crc ^= hashed.charCodeAt(i) << 8
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff
  }
  return crc % slots
}
