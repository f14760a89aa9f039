/**
 * Fields that no event may have, and no file that events are made of: marks of the body by which people are told apart, and signals of their health. A bank has no ground to
 * hold them for an offer, and what is never taken in need not be guarded.
 */

/** Words of a field's name, small. Looked for as whole words, two parts of a name together (`heart_rate`), one or many. */
const words = [
  'biometric',
  'fingerprint',
  'faceprint',
  'facetemplate',
  'voiceprint',
  'iris',
  'retina',
  'genome',
  'dna',
  'brainwave',
  'eeg',
  'ecg',
  'heartrate',
  'heartbeat',
  'bloodpressure',
  'bloodglucose',
  'diagnosis',
]

/** The word that says a bank may not hold what a field of this name holds; null: none does. */
export function unholdableWord(name: string): string | null {
  const parts = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((part) => part !== '')
  for (let i = 0; i < parts.length; i++) {
    const two = `${parts[i] ?? ''}${parts[i + 1] ?? ''}`
    const found = words.find(
      (word) => parts[i] === word || parts[i] === `${word}s` || two === word || two === `${word}s`,
    )
    if (found !== undefined) return found
  }
  return null
}

/** What is to be said of a field or column that may not be held; null: it may. */
export function unholdableReason(name: string): string | null {
  const word = unholdableWord(name)
  return word === null ? null : `a bank may not hold a ${word} for offers`
}
