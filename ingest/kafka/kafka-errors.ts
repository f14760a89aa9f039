import { LogError } from '../log.ts'

const DENIED = /AUTHORIZATION_FAILED$/
const REFUSED_LOGIN: ReadonlySet<string> = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'KafkaJSSASLAuthenticationError',
])
const NO_TOPIC: ReadonlySet<string> = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'INVALID_TOPIC_EXCEPTION'])
const TOO_LARGE: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])
const REFUSED_SETTINGS: ReadonlySet<string> = new Set([
  'INVALID_REPLICATION_FACTOR',
  'INVALID_PARTITIONS',
  'INVALID_CONFIG',
  'INVALID_SESSION_TIMEOUT',
  'POLICY_VIOLATION',
])
const UNTRUSTED = /^(ERR_TLS_|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_)/
/** Causes of causes looked at. */
const DEPTH_MAX = 8

/**
 * A failure of kafkajs as the port's error. What only an operator can change is not retryable and says what to change.
 * @param what what could not be done, the start of the sentence: `the topic x cannot be written`
 */
export function translateKafkaError(cause: unknown, what: string): LogError {
  if (cause instanceof LogError) return cause
  const names = namesOf(cause)
  const advice = adviceOf(names)
  if (advice === null)
    return new LogError('log_unavailable', `${what}; it may be tried again`, { retryable: true, cause })
  return new LogError('log_unavailable', `${what}: ${advice}`, { retryable: false, cause })
}

/** Whether a failure, or a cause of it, has one of these protocol types, codes or error names. */
export function isKafkaError(cause: unknown, name: string): boolean {
  return namesOf(cause).includes(name)
}

function adviceOf(names: readonly string[]): string | null {
  if (names.some((name) => DENIED.test(name))) {
    return 'the broker does not allow it; give the user of this process the rights that the page of ingest/kafka lists'
  }
  if (names.some((name) => REFUSED_LOGIN.has(name))) {
    return 'the broker refuses the login; check mechanism, user name and password'
  }
  if (names.some((name) => NO_TOPIC.has(name))) {
    return 'the broker has no such topic; make it with kafka-topics.sh, or let proffer make topics'
  }
  if (names.some((name) => TOO_LARGE.has(name))) {
    return 'the broker takes no records of that size; raise max.message.bytes of the topic'
  }
  if (names.some((name) => REFUSED_SETTINGS.has(name))) {
    return 'the broker refuses these settings; check replication, retention and session timeout against its own limits'
  }
  if (names.some((name) => UNTRUSTED.test(name))) {
    return 'the certificate of the broker is not trusted; check the certificates to trust and the host name'
  }
  return null
}

function namesOf(cause: unknown): readonly string[] {
  const names: string[] = []
  let errors: unknown[] = [cause]
  for (let depth = 0; depth < DEPTH_MAX && errors.length > 0; depth++) {
    const causes: unknown[] = []
    for (const error of errors) {
      if (!(error instanceof Error)) continue
      names.push(error.name)
      if ('type' in error && typeof error.type === 'string') names.push(error.type)
      if ('code' in error && typeof error.code === 'string') names.push(error.code)
      if ('errors' in error && Array.isArray(error.errors)) causes.push(...error.errors)
      causes.push(error.cause)
    }
    errors = causes
  }
  return names
}
