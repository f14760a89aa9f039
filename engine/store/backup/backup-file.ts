/**
 * The bytes of a file of a backup: a head, blocks, a digest. Little endian.
 *
 * Head: `PROFFERB`, version u16, flags u16 (1: encrypted), 4 bytes of zero. Block: length stored u32, length unpacked u32, CRC-32
 * of what is stored u32, and that: records (`backup-record.ts`), packed with Zstandard, then encrypted if it is. The last record
 * of the last block is `end`. Digest: u32 of zero, SHA-256 of everything before it.
 */
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'

const magic = 'PROFFERB'
const version = 1

export const headBytes = 16
export const blockHeadBytes = 12
export const digestBytes = 36
/** A block is written when it has so many bytes; only a record that is larger makes a larger one. */
export const blockBytes = 256 * 1024
/** Of a record, and so of a block: twice the largest commit. */
export const blockBytesMax = 128 * 2 ** 20

export const pack = promisify(zstdCompress)
export const unpack = promisify(zstdDecompress)

/** The head of a file. */
export function encodeHead(isEncrypted: boolean): Buffer {
  const head = Buffer.alloc(headBytes)
  head.write(magic, 'latin1')
  head.writeUInt16LE(version, 8)
  head.writeUInt16LE(isEncrypted ? 1 : 0, 10)
  return head
}
