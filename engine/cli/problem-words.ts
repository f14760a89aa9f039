/**
 * Refusals of the API in the words of somebody who typed a command. The API speaks to programs: of bodies, parameters and headers, which
 * nobody sees who types.
 */

/** Titles that say no more than that the call was wrong; what is wrong with it stands in the detail. */
const titlesOfCalls: ReadonlySet<unknown> = new Set(['body_invalid', 'query_invalid', 'not_found', 'method_wrong'])

const otherRelease = 'The engine does not know what this command asks for: it is of another release.'

/** What the API says and what a command says for it. */
const phrases: readonly (readonly [string | RegExp, string])[] = [
  [' The schema is in /openapi.json.', ''],
  [', here it is in `report`.', '.'],
  ['See /openapi.json for what there is.', otherRelease],
  [/^Use (GET|POST)( or (GET|POST))* here\.$/, otherRelease],
  [
    'Send `Authorization: Bearer KEY`; the key is in DATA_DIR/api-key.',
    'Set PROFFER_KEY to yours, or DATA_DIR to the folder of the engine, which holds that of the owner.',
  ],
  [
    'The key in the Authorization header is not one of this engine.',
    'It is not one of this engine. Set PROFFER_KEY to one that is.',
  ],
]

/** What is said of a refusal, from the members of a problem answer. */
export function problemWords({ code, title, detail }: Readonly<Record<string, unknown>>): string {
  const text = typeof detail === 'string' ? phrases.reduce((told, [from, to]) => told.replace(from, to), detail) : ''
  if (text === '') return String(title)
  return titlesOfCalls.has(code) ? text : `${String(title)}: ${text}`
}

/** What is said of an answer that is none of the API. */
export const strangeAnswer =
  'What answers there is not an engine of this release. Is ENGINE_URL right, and is nothing between that answers for it?'
