/** Jars from Maven Central. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { messageOf, PartError } from './part-error.ts'

const run = promisify(execFile)

/** So long Maven may take. */
export const fetchWithinMs = 300_000

/**
 * Copies the jars that a pom depends on into a folder.
 * @param kafkaVersion the value of `kafka.version` in the pom
 * @param what whose jars they are, for messages
 * @throws PartError `part_missing` without Maven, or when it cannot fetch them
 */
export async function fetchJars(pom: string, kafkaVersion: string, folder: string, what: string): Promise<void> {
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`]
  try {
    await run('mvn', ['-q', '-B', '-f', pom, `-Dkafka.version=${kafkaVersion}`, ...goal], { timeout: fetchWithinMs })
  } catch (cause) {
    throw new PartError('part_missing', whyNot(cause, what), cause)
  }
}

function whyNot(cause: unknown, what: string): string {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
    return `the jars of ${what} are fetched with Maven: apt-get install maven`
  }
  const said = cause instanceof Error && 'stdout' in cause ? String(cause.stdout) : ''
  const line = said.split('\n').find((one) => one.includes('[ERROR]')) ?? messageOf(cause)
  return `the jars of ${what} cannot be fetched: ${line.slice(0, 400)}`
}
