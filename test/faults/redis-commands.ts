/** Commands that were sent to Redis, each as its bytes, from what came off the sockets. What is cut off at an end is left out. */
export function redisCommands(bytes: Buffer): Buffer[] {
  const commands: Buffer[] = []
  let at = bytes.indexOf('*')
  while (at >= 0) {
    const end = endOfCommand(bytes, at)
    if (end !== null) commands.push(bytes.subarray(at, end))
    // Where connections took turns in the middle of a command it cannot be read; the next one begins somewhere behind.
    at = bytes.indexOf('*', end ?? at + 1)
  }
  return commands
}

/** Offset behind the command that begins at `start`; null: none does, or it is not whole. */
function endOfCommand(bytes: Buffer, start: number): number | null {
  const head = numberAt(bytes, start, '*')
  if (head === null) return null
  let at = head.end
  for (let i = 0; i < head.value; i++) {
    const length = numberAt(bytes, at, '$')
    if (length === null) return null
    at = length.end + length.value + 2
    if (at > bytes.length || bytes.toString('latin1', at - 2, at) !== '\r\n') return null
  }
  return at
}

function numberAt(bytes: Buffer, at: number, mark: string): { readonly value: number; readonly end: number } | null {
  const found = /^(.)(\d{1,9})\r\n/.exec(bytes.toString('latin1', at, at + 13))
  if (found === null || found[1] !== mark) return null
  return { value: Number(found[2]), end: at + found[0].length }
}
