/** What a registry is told about who asks. */

/** The address of a registry, apart from the credentials it came with. */
export type RegistryAddress = {
  /** Without user, password, query and trailing slash. */
  readonly base: string
  /** Host and port, for messages. */
  readonly host: string
  /** Value of the `authorization` header; undefined: none is sent. */
  readonly authorization: string | undefined
}

/**
 * Takes an address apart: `https://user:password@host:port/path` is basic authorization. No error holds any of it, as an address
 * is a secret while a password is in it.
 *
 * @param authorization value of the header, see `authorizationOf`; it goes before the address
 * @throws TypeError when it is not an http(s) address, or the credentials cannot stand in a header
 */
export function registryAddress(url: string, authorization?: string): RegistryAddress {
  if (!URL.canParse(url)) throw new TypeError('the address of the schema registry is not a URL')
  const { protocol, username, password, origin, pathname, host } = new URL(url)
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new TypeError('the address of the schema registry is not http or https')
  }
  const header = authorization ?? (username === '' ? undefined : basic(decoded(username), decoded(password)))
  if (header !== undefined && !/^[\x20-\x7e]{1,8192}$/.test(header)) {
    throw new TypeError('the authorization for the schema registry cannot stand in a header')
  }
  return { base: `${origin}${pathname.replace(/\/+$/, '')}`, host, authorization: header }
}

/**
 * The header of a credentials file: `user:password` is basic authorization, anything else a bearer token (which holds no
 * colon). White space around it is ignored.
 * @throws TypeError when it is empty
 */
export function authorizationOf(credentials: string): string {
  const text = credentials.trim()
  if (text === '') throw new TypeError('the credentials for the schema registry are empty')
  const colon = text.indexOf(':')
  return colon === -1 ? `Bearer ${text}` : basic(text.slice(0, colon), text.slice(colon + 1))
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new TypeError('the credentials in the address of the schema registry are not percent-encoded')
  }
}
