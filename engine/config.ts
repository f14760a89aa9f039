/**
 * Every setting of the engine, and the only file that reads the environment. The comment of a key (its `describe`) is its
 * documentation: `.env.example` and the table in the README are generated from here, and a test keeps them fresh.
 */
import { z } from 'zod'

const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max)
const text = () => z.string().min(1).optional()

/** Where the log, the customers and the schemas are kept when that is not under DATA_DIR, and who this node is. */
const serverSettings = {
  NODE_NAME: text().describe('Stable name of this node, another one for each. Absent: the name of the host.'),
  NODE_ADDR: z
    .string()
    .regex(/^[^\s:/]+:\d{1,5}$/, 'is host:port')
    .optional()
    .describe('Where other nodes reach this one, host:port. Absent: HOST and PORT.'),
  KAFKA_BROKERS: z
    .string()
    .regex(/^[^\s:,]+:\d{1,5}(,[^\s:,]+:\d{1,5})*$/, 'is host:port, several separated by commas')
    .optional()
    .describe(
      'Some brokers of the Kafka that holds the logs, host:port,host:port. Absent: the embedded log under DATA_DIR.',
    ),
  KAFKA_TOPIC_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9._-]{0,128}$/, 'is letters, digits and . _ -')
    .default('proffer.')
    .describe('Start of the names of topics and consumer groups.'),
  KAFKA_CREATE_TOPICS: z.enum(['on', 'off']).default('on').describe('Whether missing topics are made at the start.'),
  KAFKA_REPLICATION: whole(1, 9)
    .optional()
    .describe('Copies of topics that are made. Absent: 3, or as many as brokers.'),
  KAFKA_COMPRESSION: z.enum(['none', 'gzip']).default('none').describe('Compression of what is produced.'),
  KAFKA_SESSION_TIMEOUT_MS: whole(3_000, 60_000)
    .default(10_000)
    .describe('A node that is silent so long loses its partitions to others.'),
  KAFKA_TRUSTED: z
    .enum(['signed', 'all'])
    .default('signed')
    .describe(
      'signed: consents, lifts, receipts, identities and erasures count only when they came through POST /v1/events. all: the ' +
        'rights of the broker see to who may write them.',
    ),
  KAFKA_TLS: z.enum(['on', 'off']).default('off').describe('Whether the brokers are spoken to over TLS.'),
  KAFKA_TLS_CA_FILE: text().describe('PEM file of the certificates to trust. Absent: those Node trusts.'),
  KAFKA_TLS_CERT_FILE: text().describe('PEM file of our certificate, where the brokers ask for one.'),
  KAFKA_TLS_KEY_FILE: text().describe('PEM file of its key.'),
  KAFKA_SASL_MECHANISM: z
    .enum(['plain', 'scram-sha-256', 'scram-sha-512'])
    .optional()
    .describe('How to log in at the brokers. Absent: not at all.'),
  KAFKA_SASL_USERNAME: text().describe('User name for it.'),
  KAFKA_SASL_PASSWORD: text().describe('Password for it.'),
  KAFKA_SASL_PASSWORD_FILE: text().describe('File that holds the password.'),
  SCHEMA_REGISTRY_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'Schema registry (Confluent API) that gives schemas their ids, with user and password where it needs them. Absent: the ids of ' +
        'this release. Fixed at the first start.',
    ),
  SCHEMA_REGISTRY_AUTH_FILE: text().describe('File that holds `user:password` or a bearer token for the registry.'),
  REDIS_URL: z
    .string()
    .regex(
      /^rediss?:\/\/[^\s,]+(,rediss?:\/\/[^\s,]+)*$/,
      'is redis://host:port, or rediss://; several separated by commas',
    )
    .optional()
    .describe(
      'Redis that keeps the customers, redis://[user:password@]host:port[/db], rediss:// for TLS; some nodes of a cluster, ' +
        'separated by commas. Absent: the embedded store under DATA_DIR.',
    ),
  REDIS_PASSWORD_FILE: text().describe('File that holds the password for Redis, instead of one in the URL.'),
  REDIS_KEY_PREFIX: z
    .string()
    .regex(/^[!-z|~]{1,64}$/, 'is 1 to 64 ASCII characters without braces and spaces')
    .default('proffer:')
    .describe('Start of the names of keys.'),
  REDIS_WAIT_REPLICAS: z
    .union([z.literal('auto'), whole(0, 5)])
    .default('auto')
    .describe(
      'Replicas that must have a commit before anything of it leaves. auto: 1 when every primary has one at the start.',
    ),
  REDIS_TIMEOUT_MS: whole(50, 60_000)
    .default(2_000)
    .describe('A call to Redis that takes longer is in doubt and sent again.'),
  REDIS_TLS_CA_FILE: text().describe('PEM file of the certificates to trust, for rediss://.'),
  REDIS_TLS_CERT_FILE: text().describe('PEM file of our certificate, where Redis asks for one.'),
  REDIS_TLS_KEY_FILE: text().describe('PEM file of its key.'),
  ENGINE_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Engine that the commands ask, http://host:port, with API_KEY. Absent: the one that runs on DATA_DIR.'),
  PROFFER_KEY: z
    .string()
    .min(16, 'is a key of 16 characters or more')
    .optional()
    .describe(
      'Key the commands speak with, as `proffer keys create` gave it. Absent: the key of the owner, with all roles.',
    ),
} as const

const Schema = z.strictObject({
  DATA_DIR: z
    .string()
    .min(1)
    .default('data')
    .describe('Folder of everything proffer keeps: log, state, history, dead letters, API key.'),
  PACK: z
    .string()
    .min(1)
    .default('rules/packs/retail-bank')
    .describe('Folder of the rule pack that the first start puts in force, relative to the working directory.'),
  PACK_CHANGES: z
    .enum(['governed', 'at_start'])
    .default('governed')
    .describe(
      'governed: the version in force stays until another one is approved and put in force; a start whose PACK differs says so. ' +
        'at_start: a start puts PACK in force, for trials and tests.',
    ),
  ACTIVATION_PREPARE_MS: whole(100, 600_000)
    .default(30_000)
    .describe(
      'How long every shard of every node has to compile a version before it is put in force; else nothing changes.',
    ),
  ACTIVATION_SWITCH_MS: whole(100, 600_000)
    .default(10_000)
    .describe('How long a shard has to confirm that it runs the version in force before its thread is begun anew.'),
  LEARNED: text().describe(
    'File of learned propensities, as `proffer learn` writes it. Absent: they are drawn from the priors of the pack alone.',
  ),
  HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address the HTTP server binds to. Loopback by default; behind anything else put TLS in front.'),
  PORT: whole(0, 65_535).default(8321).describe('Port of the HTTP server; 0 takes a free one and prints it.'),
  API_KEY: z
    .string()
    .min(16, 'is a key of 16 characters or more')
    .optional()
    .describe(
      'Key of the owner, with all roles, sent as `Authorization: Bearer KEY`. Absent: made at first start in DATA_DIR/api-key.',
    ),
  API_KEY_FILE: z.string().min(1).optional().describe('File that holds the key, for secrets mounted as files.'),
  CORS_ORIGINS: z
    .string()
    .default('')
    .describe('Origins that browsers may call from, separated by commas. Empty: none, CORS is off.'),
  PARTITIONS: whole(1, 512)
    .default(8)
    .describe('Partitions of the log. Fixed at the first start of a DATA_DIR; another number is refused later.'),
  SHARD_MODE: z
    .enum(['worker', 'inline'])
    .default('worker')
    .describe('worker: the shard runs in a thread of its own. inline: on the main thread (fewer hops, longer tail).'),
  RULE_STALL_MS: whole(0, 600_000)
    .default(2_000)
    .describe(
      'How long a shard may compute at one input before its thread is ended and the rule at fault quarantined. 0: for ever, as in ' +
        'SHARD_MODE=inline, where no thread can be ended.',
    ),
  CACHE_MB: whole(16, 65_536)
    .default(512)
    .describe('Memory for customers in flat arrays. Customers beyond it are read from the store again when needed.'),
  BACKFILL_MAX_MB: whole(1, 16_384)
    .default(128)
    .describe(
      'Memory for event ids while `proffer backfill` runs: 36 to 72 bytes for each event of a partition within the lateness of the pack.',
    ),
  WHATIF_MB: whole(16, 65_536)
    .default(1_024)
    .describe(
      'Memory for the customers of a what-if or a shadow, for each of the two packs, in a process of its own while one runs. When they do not fit it says so and ends.',
    ),
  EVENTS_DEADLINE_MS: whole(1, 30_000)
    .default(2_000)
    .describe('How long POST /v1/events waits for the commit before it answers 202 with positions.'),
  DECISION_DEADLINE_MS: whole(1, 10_000)
    .default(100)
    .describe('How long POST /v1/decisions may take before the placement answers its fallback, unless the call says.'),
  BODY_MAX_KB: whole(1, 65_536).default(1_024).describe('Largest request body in KB; more is answered 413.'),
  EVENTS_MAX: whole(1, 10_000).default(1_000).describe('Most events in one POST /v1/events; more is answered 413.'),
  IN_FLIGHT_MAX: whole(1, 100_000)
    .default(4_096)
    .describe('Most requests in progress at once; more are answered 503 with Retry-After.'),
  LOG_RETENTION_HOURS: whole(1, 24 * 365)
    .default(168)
    .describe('How long the events and decisions logs keep records. The history and `explain --event` read them.'),
  LOG_MAX_MB: whole(4, 1_048_576)
    .default(8_192)
    .describe('Most disk for the logs in MB. When full, POST /v1/events answers 503 and what is there stays.'),
  STORE_MAX_MB: whole(64, 1_048_576).default(16_384).describe('Most disk for the customers’ states in MB.'),
  HISTORY: z
    .enum(['on', 'off'])
    .default('on')
    .describe('Whether history is kept in ClickHouse. Off also where the embedded ClickHouse has no build.'),
  CLICKHOUSE_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('URL of a ClickHouse server, with user and password. Absent: the embedded one under DATA_DIR.'),
  CLICKHOUSE_PASSWORD_FILE: text().describe('File that holds the password for ClickHouse, instead of one in the URL.'),
  HISTORY_RETENTION_DAYS: whole(1, 3_650).default(400).describe('How long history rows are kept (TTL of all tables).'),
  BACKUP_KEY_FILE: text().describe(
    'File with a passphrase or key: backups are encrypted with it, and a restore needs it. Absent: they are not.',
  ),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent']).default('info').describe('Log level.'),
  STOP_DEADLINE_MS: whole(100, 120_000)
    .default(10_000)
    .describe('How long a stop may take: open batches finish and are published, then the process ends anyway.'),
  ...serverSettings,
})

export type Config = Readonly<z.infer<typeof Schema>>

/** A configuration, or every problem of it at once (key and what is wrong, never the value). */
export type ConfigResult =
  | { readonly kind: 'ok'; readonly config: Config }
  | { readonly kind: 'refused'; readonly problems: readonly string[] }

/**
 * Reads the settings from an environment. Keys of others are ignored; an empty value counts as absent.
 * @param environment such as `process.env`, read once by the caller's entry file
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): ConfigResult {
  const own: Record<string, string> = {}
  for (const key of Object.keys(Schema.shape)) {
    const value = environment[key]
    if (value !== undefined && value !== '') own[key] = value
  }
  const parsed = Schema.safeParse(own)
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${sentenceOf(issue)}`)
    return { kind: 'refused', problems }
  }
  const problems = contradictions(parsed.data)
  return problems.length > 0 ? { kind: 'refused', problems } : { kind: 'ok', config: Object.freeze(parsed.data) }
}

/** Settings that do not go together. */
function contradictions(config: Config): string[] {
  const problems: string[] = []
  const both = (a: keyof Config, b: keyof Config): void => {
    if (config[a] !== undefined && config[b] !== undefined) problems.push(`${b}: give it or ${a}, not both`)
  }
  const needs = (a: keyof Config, b: keyof Config): void => {
    if (config[a] !== undefined && config[b] === undefined) problems.push(`${b}: is needed with ${a}`)
  }
  both('KAFKA_SASL_PASSWORD', 'KAFKA_SASL_PASSWORD_FILE')
  needs('SCHEMA_REGISTRY_AUTH_FILE', 'SCHEMA_REGISTRY_URL')
  needs('KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME')
  needs('KAFKA_TLS_CERT_FILE', 'KAFKA_TLS_KEY_FILE')
  needs('REDIS_TLS_CERT_FILE', 'REDIS_TLS_KEY_FILE')
  if (config.KAFKA_SASL_MECHANISM !== undefined && !config.KAFKA_SASL_PASSWORD && !config.KAFKA_SASL_PASSWORD_FILE)
    problems.push('KAFKA_SASL_PASSWORD: is needed with KAFKA_SASL_MECHANISM, or KAFKA_SASL_PASSWORD_FILE')
  return problems
}

/** What is wrong with a setting; of a text that is no number zod only says that it received NaN. */
function sentenceOf(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_type' && (issue.expected === 'number' || issue.expected === 'int')
    ? 'must be a whole number'
    : issue.message
}

/** The settings of the process, from its environment. */
export function configFromEnvironment(): ConfigResult {
  return readConfig(process.env)
}

/** Name, meaning and default of every setting, for `.env.example` and the README. */
export function configKeys(): readonly { readonly key: string; readonly text: string; readonly initial: string }[] {
  const initial: Readonly<Record<string, unknown>> = Schema.parse({})
  return Object.entries(Schema.shape).map(([key, schema]) => {
    const value = initial[key]
    return { key, text: schema.description ?? '', initial: value === undefined ? '' : String(value) }
  })
}

/** The text of `.env.example`. */
export function envExample(): string {
  const lines = [
    '# Settings of proffer. Generated from engine/config.ts by `npm run proffer -- config --example`; do not edit.',
    '# Set them in the environment, or copy this to .env and start with `set -a; . ./.env; set +a; npm start`.',
    '',
  ]
  for (const { key, text, initial } of configKeys()) lines.push(`# ${text}`, `#${key}=${initial}`, '')
  return lines.join('\n')
}

/** The text of `docs/settings.md`. */
export function settingsPage(): string {
  const servers: ReadonlySet<string> = new Set(Object.keys(serverSettings))
  const rows = (isServer: boolean) =>
    configKeys()
      .filter(({ key }) => servers.has(key) === isServer)
      .map(({ key, text, initial }) => `| \`${key}\` | ${initial === '' ? '' : `\`${initial}\``} | ${text} |`)
  const head = ['| setting | default | meaning |', '| --- | --- | --- |']
  return [
    '# Settings',
    '',
    'Generated from `engine/config.ts` by `npm run proffer -- config --markdown`; do not edit. All come from the environment; an empty',
    'value counts as absent. A wrong one is refused at the start, all of them at once, by name and without its value.',
    '',
    ...head,
    ...rows(false),
    '',
    '## Servers and nodes',
    '',
    'Each kind of server is used when its address is set, on its own; without it the embedded part does.',
    '',
    ...head,
    ...rows(true),
    '',
  ].join('\n')
}
