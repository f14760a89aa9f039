import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { BackupError, damaged } from './backup-error.ts'
import { blockBytesMax, blockHeadBytes, digestBytes, encodeHead, headBytes, unpack } from './backup-file.ts'
import type { WrittenFile } from './backup-file-writer.ts'
import { type BackupRecord, readRecords } from './backup-record.ts'
import { type BackupKey, BlockCipher } from './block-cipher.ts'

/**
 * The records of a file, a block at a time, each checked before it is given; at the end everything is compared with what the
 * manifest says. Values are views into the block: valid until the next one is asked for.
 *
 * @throws BackupError `backup_damaged`, `format_unsupported`
 */
export async function* readBackupFile(
  dir: string,
  written: WrittenFile,
  key: BackupKey | null,
): AsyncGenerator<readonly BackupRecord[]> {
  const { file } = written
  let handle: FileHandle
  try {
    handle = await open(join(dir, file), 'r')
  } catch (cause) {
    throw damaged(file, 'it cannot be opened', cause)
  }
  try {
    const reader = new Blocks(handle, file, key)
    let records = 0
    for (let block = await reader.first(); block !== null; block = await reader.next()) {
      const last = block.at(-1)
      if (last?.kind === 'end') {
        records += block.length - 1
        if (records !== Number(last.key) || records !== written.records) throw damaged(file, 'records are missing')
        await reader.end(written)
        yield block.slice(0, -1)
        return
      }
      records += block.length
      yield block
    }
    throw damaged(file, 'it ends too early')
  } finally {
    await handle.close()
  }
}

class Blocks {
  readonly #handle: FileHandle
  readonly #file: string
  readonly #cipher: BlockCipher | null
  readonly #digest = createHash('sha256')
  #blocks = 0
  #bytes = 0

  constructor(handle: FileHandle, file: string, key: BackupKey | null) {
    this.#handle = handle
    this.#file = file
    this.#cipher = key === null ? null : new BlockCipher(key, file)
  }

  async first(): Promise<readonly BackupRecord[] | null> {
    const head = await this.#take(headBytes)
    const expected = encodeHead(this.#cipher !== null)
    if (head.readUInt16LE(8) !== expected.readUInt16LE(8) && head.subarray(0, 8).equals(expected.subarray(0, 8))) {
      const message = `${this.#file} is in version ${head.readUInt16LE(8)} of the format. Use the release that made it.`
      throw new BackupError('format_unsupported', message)
    }
    if (!head.equals(expected)) throw damaged(this.#file, 'it does not begin as it should')
    return this.next()
  }

  /** The records of the next block; null where the digest stands. */
  async next(): Promise<readonly BackupRecord[] | null> {
    const head = await this.#take(blockHeadBytes)
    const [length, unpacked, checksum] = [head.readUInt32LE(0), head.readUInt32LE(4), head.readUInt32LE(8)]
    if (length === 0) return null
    if (length > blockBytesMax || unpacked > blockBytesMax) throw this.#damagedBlock()
    const stored = await this.#take(length)
    if (crc32(stored) !== checksum) throw this.#damagedBlock()
    const packed = this.#cipher === null ? stored : this.#cipher.open(this.#blocks, stored)
    if (packed === null) throw this.#damagedBlock()
    const records = readRecords(await this.#unpacked(packed, unpacked))
    if (records === null) throw this.#damagedBlock()
    this.#blocks++
    return records
  }

  /** Checks what stands behind the last block. */
  async end(written: WrittenFile): Promise<void> {
    const sha256 = this.#digest.copy().digest()
    const end = await this.#take(digestBytes)
    const isWhole = end.readUInt32LE(0) === 0 && end.subarray(4).equals(sha256)
    if (!isWhole || sha256.toString('hex') !== written.sha256) throw damaged(this.#file, 'its checksum is wrong')
    const { size } = await this.#handle.stat()
    if (size !== this.#bytes || size !== written.bytes) throw damaged(this.#file, 'something stands behind its end')
  }

  async #unpacked(packed: Buffer, length: number): Promise<Buffer> {
    try {
      const bytes = await unpack(packed, { maxOutputLength: Math.max(length, 1) })
      if (bytes.length === length) return bytes
    } catch {
      // Told below: what is wrong with it the checksum would have said, were it not made of wrong bytes.
    }
    throw this.#damagedBlock()
  }

  async #take(length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length)
    let at = 0
    while (at < length) {
      const { bytesRead } = await this.#handle.read(bytes, at, length - at)
      if (bytesRead === 0) throw damaged(this.#file, 'it ends too early')
      at += bytesRead
    }
    this.#digest.update(bytes)
    this.#bytes += length
    return bytes
  }

  #damagedBlock(): BackupError {
    return damaged(this.#file, `block ${this.#blocks + 1} is not what was written`)
  }
}
