/** The jars of a Kafka broker, fetched once by Maven into a cache outside the repository. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cachedFolder } from './cached-folder.ts'
import { fetchJars, fetchWithinMs } from './maven-jars.ts'
import { PartError } from './part-error.ts'

const run = promisify(execFile)
const pom = fileURLToPath(new URL('kafka/pom.xml', import.meta.url))
const javaLeast = 17

/** The release that `kafka/pom.xml` pins. */
export async function pinnedKafkaVersion(): Promise<string> {
  const version = /<kafka\.version>([^<]+)</.exec(await readFile(pom, 'utf8'))?.[1]
  if (version === undefined) throw new Error('kafka/pom.xml pins no kafka.version')
  return version
}

/**
 * The folder that holds the jars of a release, fetched when it is not there: `proffer/kafka-<version>-<hash of the pom>`
 * under `$XDG_CACHE_HOME` or `~/.cache`. Any number of processes may ask at once: one fetches, the folder appears whole.
 *
 * @param tell gets a line when something has to be fetched, as that takes a while
 * @throws PartError `part_missing` without Maven, or when it cannot fetch them
 */
export async function kafkaJars(version: string, tell: (line: string) => void): Promise<string> {
  const hash = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
    .slice(0, 8)
  return cachedFolder(`kafka-${version}-${hash}`, fetchWithinMs, async (folder) => {
    tell(`Kafka ${version}: fetching its jars with Maven into ${dirname(folder)} (45 MB, once) ...`)
    await fetchJars(pom, version, folder, 'Kafka')
  })
}

/**
 * The `java` to run a broker with: that of JAVA_HOME, else the one on the path.
 * @throws PartError `part_missing` when there is none or it is too old
 */
export async function findJava(): Promise<string> {
  const home = process.env['JAVA_HOME'] ?? ''
  const java = home === '' ? 'java' : join(home, 'bin', 'java')
  const advice = `Kafka needs Java ${javaLeast} or newer: apt-get install default-jre-headless`
  const said = await run(java, ['-version']).catch((cause: unknown) => {
    throw new PartError('part_missing', advice, cause)
  })
  const major = Number(/version "(\d+)/.exec(said.stderr)?.[1] ?? 0)
  if (major < javaLeast) throw new PartError('part_missing', `${advice} (${java} is ${major})`)
  return java
}
