/** What one Redis server is, as far as it matters to who keeps customers in it. */
import { infoField, onlineReplicas } from './info-field.ts'

/** Something the operator should know at start. */
export type RedisFact = {
  readonly subject: 'version' | 'role' | 'cluster' | 'eviction' | 'memory' | 'persistence' | 'replicas'
  /** `weak`: it works, and something may be lost that need not be. `refused`: it must not be used. */
  readonly verdict: 'ok' | 'weak' | 'refused'
  /** One line; says what to do when the verdict is not `ok`. */
  readonly text: string
}

/** What a server says of itself. */
export type RedisSays = {
  readonly info: string
  /** Of CONFIG GET; null where that is forbidden, as managed servers do. */
  readonly config: ReadonlyMap<string, string> | null
  /** Of CLUSTER INFO; null when it belongs to no cluster. */
  readonly cluster: string | null
  /** Replicas that a write is to have. */
  readonly waitReplicas: number
}

const leastVersion = [6, 2] as const

/** The facts of one server. */
export function redisFacts(says: RedisSays): readonly RedisFact[] {
  return [version(says), role(says), ...cluster(says), eviction(says), memory(says), persistence(says), replicas(says)]
}

function version({ info }: RedisSays): RedisFact {
  const text = infoField(info, 'redis_version') ?? 'unknown'
  const [major = 0, minor = 0] = text.split('.').map(Number)
  const isEnough = major > leastVersion[0] || (major === leastVersion[0] && minor >= leastVersion[1])
  return isEnough
    ? { subject: 'version', verdict: 'ok', text: `Redis ${text}` }
    : { subject: 'version', verdict: 'refused', text: `Redis ${text} is too old: use 6.2 or newer.` }
}

function role({ info }: RedisSays): RedisFact {
  const name = infoField(info, 'role') ?? 'unknown'
  if (name === 'master') return { subject: 'role', verdict: 'ok', text: 'primary' }
  const host = infoField(info, 'master_host')
  const where = host === null ? '' : ` of ${host}:${infoField(info, 'master_port') ?? ''}`
  return {
    subject: 'role',
    verdict: 'refused',
    text: `This server is a replica${where} and takes no writes: give the URL of the primary.`,
  }
}

function cluster({ cluster: state, config }: RedisSays): RedisFact[] {
  if (state === null) return []
  const name = infoField(state, 'cluster_state') ?? 'unknown'
  const slots = infoField(state, 'cluster_slots_ok') ?? '0'
  if (name === 'ok' && config?.get('cluster-require-full-coverage') === 'yes') {
    return [
      {
        subject: 'cluster',
        verdict: 'weak',
        text:
          `cluster ok, ${slots} slots, but one primary that fails stops the others until its replica has taken over: ` +
          'run CONFIG SET cluster-require-full-coverage no.',
      },
    ]
  }
  if (name === 'ok') return [{ subject: 'cluster', verdict: 'ok', text: `cluster ok, ${slots} slots` }]
  return [
    {
      subject: 'cluster',
      verdict: 'refused',
      text: `The cluster is not whole (state ${name}, ${slots} of 16384 slots): repair it with redis-cli --cluster check.`,
    },
  ]
}

function eviction(says: RedisSays): RedisFact {
  const policy = says.config?.get('maxmemory-policy') ?? infoField(says.info, 'maxmemory_policy') ?? 'unknown'
  if (policy === 'noeviction') return { subject: 'eviction', verdict: 'ok', text: 'maxmemory-policy noeviction' }
  return {
    subject: 'eviction',
    verdict: 'refused',
    text:
      `maxmemory-policy is ${policy}: Redis may throw customers away, and they would look new. ` +
      'Run CONFIG SET maxmemory-policy noeviction, and keep it by CONFIG REWRITE or in the settings of the managed service.',
  }
}

function memory({ info }: RedisSays): RedisFact {
  const used = Number(infoField(info, 'used_memory') ?? 0)
  const most = Number(infoField(info, 'maxmemory') ?? 0)
  if (most > 0) return { subject: 'memory', verdict: 'ok', text: `${mb(used)} of ${mb(most)} MB in use` }
  return {
    subject: 'memory',
    verdict: 'weak',
    text: `${mb(used)} MB in use and no maxmemory: set one below the machine's memory, or the system ends Redis when it is full.`,
  }
}

function persistence({ info, config }: RedisSays): RedisFact {
  const fsync = config?.get('appendfsync')
  if (infoField(info, 'aof_enabled') === '1') {
    return { subject: 'persistence', verdict: 'ok', text: `append only file, fsync ${fsync ?? 'unknown'}` }
  }
  const save = config === null ? 'unknown' : (config.get('save') ?? '')
  const losing =
    save === '' ? 'a restart loses everything' : `a restart loses what came after the last snapshot (${save})`
  return {
    subject: 'persistence',
    verdict: 'weak',
    text: `No append only file: ${losing}. Run CONFIG SET appendonly yes.`,
  }
}

function replicas({ info, config, waitReplicas }: RedisSays): RedisFact {
  const connected = onlineReplicas(info)
  const least = config?.get('min-replicas-to-write') ?? 'unknown'
  const text = `${connected} replicas, min-replicas-to-write ${least}, commits wait for ${waitReplicas}`
  if (connected < waitReplicas) {
    return { subject: 'replicas', verdict: 'weak', text: `${text}: nothing is committed until as many are in step.` }
  }
  if (connected === 0) return { subject: 'replicas', verdict: 'weak', text: `${text}: the server is the only copy.` }
  return { subject: 'replicas', verdict: 'ok', text }
}

function mb(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0)
}
