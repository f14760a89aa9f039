/** A field of a reply of INFO or CLUSTER INFO; null when it has none of the name. */
export function infoField(info: string, name: string): string | null {
  for (const line of info.split('\r\n')) {
    if (line.startsWith(`${name}:`)) return line.slice(name.length + 1)
  }
  return null
}
