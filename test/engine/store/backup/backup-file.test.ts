import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readBackupFile } from '../../../../engine/store/backup/backup-file-reader.ts'
import { BackupFileWriter, type WrittenFile } from '../../../../engine/store/backup/backup-file-writer.ts'
import type { BackupRecord } from '../../../../engine/store/backup/backup-record.ts'
import { type BackupKey, keyOf, newKey } from '../../../../engine/store/backup/block-cipher.ts'

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-backup-file-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

let files = 0
async function write(pieces: readonly (readonly BackupRecord[])[], key: BackupKey | null): Promise<WrittenFile> {
  const writer = await BackupFileWriter.open(dir, `file-${files++}`, key)
  for (const piece of pieces) await writer.add(piece)
  return writer.finish()
}

async function read(written: WrittenFile, key: BackupKey | null): Promise<BackupRecord[]> {
  const records: BackupRecord[] = []
  for await (const piece of readBackupFile(dir, written, key)) records.push(...piece)
  return records
}

const record: fc.Arbitrary<BackupRecord> = fc.record({
  kind: fc.constantFrom(
    'state',
    'gone',
    'outbox',
    'tombstone',
    'due',
    'header',
    'pack',
    'resource',
    'reservation',
    'cluster',
  ),
  partition: fc.nat({ max: 65_535 }),
  key: fc.string({ unit: fc.constantFrom(...'aZ09._:-{}*'), maxLength: 300 }),
  value: fc.uint8Array({ maxLength: 400 }),
})
const plain = (records: readonly BackupRecord[]) =>
  records.map(({ value, ...rest }) => ({ ...rest, value: Buffer.from(value).toString('hex') }))

const some = Array.from({ length: 400 }, (_, i): BackupRecord => {
  return { kind: 'state', partition: i % 4, key: `customer-${i}`, value: Buffer.alloc(1_500, `secret ${i} `) }
})

describe('a file of a backup', () => {
  const key = newKey('a long passphrase')

  it('gives every list of records back, encrypted or not, however they came', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(record, { maxLength: 20 }), { maxLength: 6 }), async (pieces) => {
        for (const one of [null, key]) {
          expect(plain(await read(await write(pieces, one), one))).toEqual(plain(pieces.flat()))
        }
      }),
      { numRuns: 40, seed: 77 },
    )
  })

  it('takes a record that is larger than a block', async () => {
    const large: BackupRecord = { kind: 'outbox', partition: 1, key: '7', value: Buffer.alloc(3_000_000, 'abc') }
    const written = await write([[...some, large, ...some]], null)
    expect(plain(await read(written, null))).toEqual(plain([...some, large, ...some]))
    // Three blocks of like bytes: they are packed.
    expect(written.bytes).toBeLessThan(60_000)
  })

  it.each([
    ['as it is', null],
    ['encrypted', key],
  ] as const)('shows any byte that changed, any that is missing and any that is too much (%s)', async (_, one) => {
    const written = await write([some], one)
    const path = join(dir, written.file)
    const bytes = await readFile(path)
    const wrong = async (changed: Buffer): Promise<unknown> => {
      await writeFile(path, changed)
      return read(written, one).then(
        () => 'nothing',
        (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
      )
    }
    const places = Array.from({ length: 120 }, (_, i) => Math.floor((i * (bytes.length - 1)) / 119))
    for (const place of [...places, 4, 8, 10, 12, 15, 17, 20, 24, 27]) {
      const changed = Buffer.from(bytes)
      changed[place] = (changed[place] ?? 0) ^ 0x10
      expect([place, await wrong(changed)]).toEqual([
        place,
        place === 8 || place === 9 ? 'format_unsupported' : 'backup_damaged',
      ])
      expect(await wrong(bytes.subarray(0, place))).toBe('backup_damaged')
    }
    expect(await wrong(Buffer.concat([bytes, Buffer.of(0)]))).toBe('backup_damaged')
    expect(await wrong(bytes)).toBe('nothing')
  })

  it('shows that a whole block, or the end, is missing', async () => {
    const [first, second] = [some.slice(0, 170), some.slice(170, 340)]
    const one = await write([first], null)
    const two = await write([first, second], null)
    const [short, long] = [await readFile(join(dir, one.file)), await readFile(join(dir, two.file))]
    // The blocks of the longer file under the end of the shorter one, with a digest that is right for it.
    await writeFile(join(dir, two.file), short)
    await expect(read({ ...two, sha256: one.sha256, bytes: one.bytes }, null)).rejects.toThrow('records are missing')
    await writeFile(join(dir, two.file), long)
    await truncate(join(dir, two.file), long.length - 36)
    await expect(read(two, null)).rejects.toThrow('ends too early')
  })

  it('holds nothing that can be read without the key, and a block fits no other place', async () => {
    const written = await write([some], key)
    const bytes = await readFile(join(dir, written.file))
    for (const text of ['customer-', 'secret']) expect(bytes.includes(text)).toBe(false)
    const wrong = newKey('another passphrase')
    await expect(read(written, wrong)).rejects.toMatchObject({ code: 'backup_damaged' })
    await expect(read(written, null)).rejects.toMatchObject({ code: 'backup_damaged' })
    await writeFile(join(dir, 'elsewhere'), bytes)
    await expect(read({ ...written, file: 'elsewhere' }, key)).rejects.toMatchObject({ code: 'backup_damaged' })
  })

  it('is read with the passphrase and the salt, and a wrong passphrase is told apart', async () => {
    const written = await write([some], key)
    const again = keyOf('a long passphrase', key.encryption)
    expect(plain(await read(written, again))).toEqual(plain(some))
    expect(keyOf('a long passphrasf', key.encryption)).toBeNull()
  })

  it('has no name before it is whole', async () => {
    const writer = await BackupFileWriter.open(dir, 'unfinished', null)
    await writer.add(some)
    await expect(readFile(join(dir, 'unfinished'))).rejects.toMatchObject({ code: 'ENOENT' })
    await writer.abandon()
    await expect(readFile(join(dir, 'unfinished.tmp'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
