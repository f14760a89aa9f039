import { createInterface } from 'node:readline/promises'

/** Where a question is asked; a terminal. */
export type Terminal = { readonly input: NodeJS.ReadableStream; readonly output: NodeJS.WritableStream }

/** Asks for a name before something is deleted. `stopped`: Ctrl-C, or Ctrl-D. */
export async function askName(
  name: string,
  question: string,
  terminal: Terminal,
): Promise<'same' | 'other' | 'stopped'> {
  const prompt = createInterface({ ...terminal, terminal: true })
  // Both end the question by rejecting it.
  const answer = await prompt.question(question).catch(() => null)
  prompt.close()
  if (answer === null) return 'stopped'
  return answer.trim() === name ? 'same' : 'other'
}
