/** A field of a reply of INFO or CLUSTER INFO; null when it has none of the name. */
export function infoField(info: string, name: string): string | null {
  for (const line of info.split('\r\n')) {
    if (line.startsWith(`${name}:`)) return line.slice(name.length + 1)
  }
  return null
}

/** Replicas that are in step, from INFO replication; one that is still copying is not among them. */
export function onlineReplicas(info: string): number {
  return info.match(/^slave\d+:.*\bstate=online\b/gm)?.length ?? 0
}
