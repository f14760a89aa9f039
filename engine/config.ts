/**
 * Every setting of the engine, and the only file that reads the environment. The comment of a key (its `describe`) is its
 * documentation: `.env.example` and the table in the README are generated from here, and a test keeps them fresh.
 */
import { z } from 'zod'

const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max)

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
    .describe('Folder of the rule pack, relative to the working directory.'),
  HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address the HTTP server binds to. Loopback by default; behind anything else put TLS in front.'),
  PORT: whole(0, 65_535).default(8321).describe('Port of the HTTP server; 0 takes a free one and prints it.'),
  API_KEY: z
    .string()
    .min(16)
    .optional()
    .describe('Key callers send as `Authorization: Bearer KEY`. Absent: made at first start in DATA_DIR/api-key.'),
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
  CACHE_MB: whole(16, 65_536)
    .default(512)
    .describe('Memory for customers in flat arrays. Customers beyond it are read from the store again when needed.'),
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
  HISTORY_RETENTION_DAYS: whole(1, 3_650).default(400).describe('How long history rows are kept (TTL of all tables).'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent']).default('info').describe('Log level.'),
  STOP_DEADLINE_MS: whole(100, 120_000)
    .default(10_000)
    .describe('How long a stop may take: open batches finish and are published, then the process ends anyway.'),
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
  if (parsed.success) return { kind: 'ok', config: Object.freeze(parsed.data) }
  return {
    kind: 'refused',
    problems: parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${sentenceOf(issue)}`),
  }
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
