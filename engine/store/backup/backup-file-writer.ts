import { createHash } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { BackupError } from './backup-error.ts'
import { blockBytes, blockHeadBytes, digestBytes, encodeHead, pack } from './backup-file.ts'
import { type BackupRecord, recordBytes, textRecord, writeRecord } from './backup-record.ts'
import { type BackupKey, BlockCipher } from './block-cipher.ts'

/** What the manifest says of a file. */
export type WrittenFile = {
  readonly file: string
  readonly bytes: number
  readonly records: number
  /** Of the bytes before the digest, hex; also in the digest. */
  readonly sha256: string
}

/** Disk full, above a file size or a quota. */
const fullCodes: ReadonlySet<unknown> = new Set(['ENOSPC', 'EFBIG', 'EDQUOT'])

/** Writes one file of a backup under a temporary name. Holds two blocks: one fills while the one before it is packed and written. */
export class BackupFileWriter {
  readonly #path: string
  readonly #file: string
  readonly #handle: FileHandle
  readonly #cipher: BlockCipher | null
  readonly #digest = createHash('sha256')
  #spare = Buffer.allocUnsafe(blockBytes)
  #block = Buffer.allocUnsafe(blockBytes)
  #used = 0
  #blocks = 0
  #records = 0
  #bytes = 0
  #underWay: Promise<void> = Promise.resolve()

  private constructor(dir: string, file: string, handle: FileHandle, key: BackupKey | null) {
    this.#path = join(dir, file)
    this.#file = file
    this.#handle = handle
    this.#cipher = key === null ? null : new BlockCipher(key, file)
  }

  /** @throws BackupError `disk_full`, `folder_unusable` */
  static async open(dir: string, file: string, key: BackupKey | null): Promise<BackupFileWriter> {
    try {
      const handle = await open(`${join(dir, file)}.tmp`, 'wx', 0o600)
      const writer = new BackupFileWriter(dir, file, handle, key)
      await writer.#append(encodeHead(key !== null))
      return writer
    } catch (error) {
      throw writeFailed(error)
    }
  }

  /** Takes records in; their bytes are not needed any more when it resolves. @throws BackupError */
  async add(records: readonly BackupRecord[]): Promise<void> {
    for (const record of records) {
      const bytes = recordBytes(record)
      if (this.#used > 0 && this.#used + bytes > blockBytes) await this.#flush()
      if (bytes > this.#block.length) this.#block = Buffer.allocUnsafe(bytes)
      this.#used = writeRecord(this.#block, this.#used, record)
      this.#records++
    }
  }

  /** Ends the file: durable, under its name. @throws BackupError */
  async finish(): Promise<WrittenFile> {
    const records = this.#records
    await this.add([textRecord('end', String(records), '')])
    await this.#flush()
    await this.#underWay
    const sha256 = this.#digest.copy().digest()
    const end = Buffer.alloc(digestBytes)
    end.set(sha256, 4)
    try {
      await this.#append(end)
      await this.#handle.sync()
      await this.#handle.close()
      await rename(`${this.#path}.tmp`, this.#path)
    } catch (error) {
      throw writeFailed(error)
    }
    return { file: this.#file, bytes: this.#bytes, records, sha256: sha256.toString('hex') }
  }

  /** Leaves nothing of it. */
  async abandon(): Promise<void> {
    await this.#underWay.catch(() => undefined)
    await this.#handle.close().catch(() => undefined)
    await rm(`${this.#path}.tmp`, { force: true })
  }

  async #flush(): Promise<void> {
    await this.#underWay
    const block = this.#block
    this.#underWay = this.#write(block.subarray(0, this.#used))
    // Thrown by whoever waits for it next.
    this.#underWay.catch(() => undefined)
    this.#block = this.#spare
    this.#spare = block.length > blockBytes ? Buffer.allocUnsafe(blockBytes) : block
    this.#used = 0
  }

  async #write(block: Buffer): Promise<void> {
    const packed = await pack(block)
    const stored = this.#cipher?.seal(this.#blocks++, packed) ?? packed
    const head = Buffer.allocUnsafe(blockHeadBytes)
    head.writeUInt32LE(stored.length, 0)
    head.writeUInt32LE(block.length, 4)
    head.writeUInt32LE(crc32(stored), 8)
    try {
      await this.#append(head, stored)
    } catch (error) {
      throw writeFailed(error)
    }
  }

  async #append(...parts: readonly Buffer[]): Promise<void> {
    for (const part of parts) this.#digest.update(part)
    let left = parts.reduce((sum, part) => sum + part.length, 0)
    this.#bytes += left
    let rest = Buffer.concat(parts)
    while (left > 0) {
      const { bytesWritten } = await this.#handle.write(rest)
      rest = rest.subarray(bytesWritten)
      left -= bytesWritten
    }
  }
}

/** What the disk says, as an error of the backup. */
export function writeFailed(error: unknown): BackupError {
  if (error instanceof BackupError) return error
  const code = error instanceof Error && 'code' in error ? error.code : ''
  if (fullCodes.has(code)) {
    const message = 'There is no room left for the backup. Free some, or give another folder (--to).'
    return new BackupError('disk_full', message, { cause: error })
  }
  return new BackupError('folder_unusable', `The backup cannot be written there (${String(code)}).`, { cause: error })
}
