/** The Kafka Streams peer, ready to run: its jars from Maven Central and its classes, in the cache outside the repository. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cachedFolder } from '../parts/cached-folder.ts'
import { findJava, pinnedKafkaVersion } from '../parts/kafka-jars.ts'
import { fetchJars, fetchWithinMs } from '../parts/maven-jars.ts'
import { messageOf, PartError } from '../parts/part-error.ts'

export type PeerClasses = {
  readonly java: string
  readonly classPath: string
  /** Release of Kafka Streams, the same as the broker's. */
  readonly version: string
}

const run = promisify(execFile)
const folder = fileURLToPath(new URL('../peers/kafka-streams/', import.meta.url))

/**
 * Fetches and compiles what is not in the cache yet.
 * @param tell gets a line when something has to be fetched
 * @throws PartError `part_missing` without Java, its compiler, or Maven and what it fetches
 */
export async function peerClasses(tell: (line: string) => void): Promise<PeerClasses> {
  const java = await findJava()
  const version = await pinnedKafkaVersion()
  const pom = join(folder, 'pom.xml')
  const jars = await cachedFolder(`kafka-streams-${version}-${await hashOf([pom])}`, fetchWithinMs, async (into) => {
    tell(`Kafka Streams ${version}: fetching its jars with Maven into ${dirname(into)} (100 MB, once) ...`)
    await fetchJars(pom, version, into, 'Kafka Streams')
  })
  const names = (await readdir(folder)).filter((name) => name.endsWith('.java')).sort()
  const sources = names.map((name) => join(folder, name))
  const name = `kafka-streams-classes-${version}-${await hashOf([pom, ...sources])}`
  const classes = await cachedFolder(name, fetchWithinMs, (into) => compile(java, join(jars, '*'), sources, into))
  return { java, version, classPath: `${classes}:${join(jars, '*')}` }
}

async function compile(java: string, classPath: string, sources: readonly string[], into: string): Promise<void> {
  const options = ['--release', '17', '-Xlint:all', '-Werror', '-proc:none', '-cp', classPath, '-d', into]
  try {
    await run(java.replace(/java$/, 'javac'), [...options, ...sources])
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    const said = isMissing ? 'apt-get install default-jdk-headless' : messageOf(cause)
    throw new PartError('part_missing', `the Kafka Streams peer is compiled with javac: ${said}`, cause)
  }
}

async function hashOf(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const file of files) hash.update(await readFile(file))
  return hash.digest('hex').slice(0, 8)
}
