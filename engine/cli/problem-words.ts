/**
 * Refusals of the API in the words of somebody who typed a command. The API speaks to programs: of paths, parameters and headers, which
 * nobody sees who types.
 */

/** Titles that say no more than that the call was wrong; what is wrong with it stands in the detail. */
const titlesOfCalls: ReadonlySet<unknown> = new Set(['body_invalid', 'query_invalid', 'not_found'])

const otherRelease = 'The engine does not know what this command asks for: it is of another release.'

/** What a command says instead, by code. */
const instead: ReadonlyMap<unknown, string> = new Map([
  ['path_unknown', otherRelease],
  ['method_wrong', otherRelease],
  [
    'key_missing',
    'An API key is needed: set PROFFER_KEY to yours, or DATA_DIR to the folder of the engine, which holds that of the owner.',
  ],
  ['key_wrong', 'The API key is not one of this engine. Set PROFFER_KEY to one that is.'],
])

/** What is said of a refusal, from the members of a problem answer. */
export function problemWords({ code, title, detail }: Readonly<Record<string, unknown>>): string {
  const said = instead.get(code)
  if (said !== undefined) return said
  if (typeof detail !== 'string' || detail === '') return String(title)
  return titlesOfCalls.has(code) ? detail : `${String(title)}: ${detail}`
}

/** What is said of an answer that is none of the API. */
export const strangeAnswer =
  'What answers there is not an engine of this release. Is ENGINE_URL right, and is nothing between that answers for it?'
