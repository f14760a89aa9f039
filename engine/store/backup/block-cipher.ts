/**
 * Encrypts the blocks of a backup: AES-256-GCM, the key made of the secret by scrypt with a salt of the backup, another one for
 * each file by HKDF. The nonce is the number of the block, so a block that was changed, moved or taken from elsewhere fails.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, scryptSync } from 'node:crypto'

/** What the manifest says of the encryption. Nothing of it is secret. */
export type Encryption = {
  readonly cipher: 'aes-256-gcm'
  readonly kdf: 'scrypt 32768 8 1'
  /** Hex. */
  readonly salt: string
  /** Hex; tells a wrong secret from damaged bytes. */
  readonly check: string
}

/** The master key of a backup. */
export type BackupKey = { readonly master: Buffer; readonly encryption: Encryption }

const cost = { N: 32_768, r: 8, p: 1, maxmem: 64 * 2 ** 20 } as const
const tagBytes = 16

/** A key for a new backup. */
export function newKey(secret: string): BackupKey {
  return keyWith(secret, randomBytes(16).toString('hex'))
}

/** The key of a backup that is there; null when the secret is not the one it was made with. */
export function keyOf(secret: string, encryption: Encryption): BackupKey | null {
  const key = keyWith(secret, encryption.salt)
  return key.encryption.check === encryption.check ? key : null
}

/** Seals and opens the blocks of one file. */
export class BlockCipher {
  readonly #key: Buffer

  constructor({ master }: BackupKey, file: string) {
    this.#key = Buffer.from(hkdfSync('sha256', master, '', file, 32))
  }

  /** The block's bytes with their tag in front. Each number is used once. */
  seal(number: number, bytes: Uint8Array): Buffer {
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonceOf(number))
    const sealed = cipher.update(bytes)
    cipher.final()
    return Buffer.concat([cipher.getAuthTag(), sealed])
  }

  /** The bytes of a sealed block; null when they are not what was sealed under this number. */
  open(number: number, sealed: Buffer): Buffer | null {
    if (sealed.length < tagBytes) return null
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonceOf(number), { authTagLength: tagBytes })
    decipher.setAuthTag(sealed.subarray(0, tagBytes))
    const bytes = decipher.update(sealed.subarray(tagBytes))
    try {
      decipher.final()
    } catch {
      return null
    }
    return bytes
  }
}

function keyWith(secret: string, salt: string): BackupKey {
  const master = scryptSync(secret, Buffer.from(salt, 'hex'), 32, cost)
  const check = createHmac('sha256', master).update('proffer backup').digest('hex').slice(0, 32)
  return { master, encryption: { cipher: 'aes-256-gcm', kdf: 'scrypt 32768 8 1', salt, check } }
}

function nonceOf(number: number): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(number, 6, 6)
  return nonce
}
