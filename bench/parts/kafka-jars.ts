/** The jars of a Kafka broker, fetched once by Maven into a cache outside the repository. */
import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { messageOf, PartError } from './part-error.ts'

const run = promisify(execFile)
const pom = fileURLToPath(new URL('kafka/pom.xml', import.meta.url))
const javaLeast = 17
const fetchWithinMs = 300_000
const lookEveryMs = 200

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
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'proffer')
  const folder = join(cache, `kafka-${version}-${hash}`)
  if (existsSync(folder)) return folder
  await mkdir(cache, { recursive: true })
  const lock = `${folder}.lock`
  const until = performance.now() + fetchWithinMs
  // The lock only saves work: whoever fetches fills a folder of its own and renames it, so two at once do no harm.
  while (!(await taken(lock)) && performance.now() < until) {
    await sleep(lookEveryMs)
    if (existsSync(folder)) return folder
  }
  try {
    if (!existsSync(folder)) await fetchInto(folder, version, tell)
  } finally {
    await rm(lock, { force: true })
  }
  return folder
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

async function taken(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch {
    const holder = Number(await readFile(lock, 'utf8').catch(() => ''))
    // Empty for a moment while its holder writes it; a holder that was killed leaves it behind.
    if (holder > 0 && !isRunning(holder)) await rm(lock, { force: true })
    return false
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function fetchInto(folder: string, version: string, tell: (line: string) => void): Promise<void> {
  tell(`Kafka ${version}: fetching its jars with Maven into ${dirname(folder)} (45 MB, once) ...`)
  const own = `${folder}.${randomUUID()}`
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${own}`]
  try {
    await run('mvn', ['-q', '-B', '-f', pom, `-Dkafka.version=${version}`, ...goal], { timeout: fetchWithinMs })
    await rename(own, folder)
  } catch (cause) {
    await rm(own, { recursive: true, force: true })
    if (existsSync(folder)) return
    throw new PartError('part_missing', whyNot(cause), cause)
  }
}

function whyNot(cause: unknown): string {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
    return 'the jars of Kafka are fetched with Maven: apt-get install maven'
  }
  const said = cause instanceof Error && 'stdout' in cause ? String(cause.stdout) : ''
  const line = said.split('\n').find((one) => one.includes('[ERROR]')) ?? messageOf(cause)
  return `the jars of Kafka cannot be fetched: ${line.slice(0, 400)}`
}
