import { secretIn, withPassword } from './compose-store.ts'
import type { Config } from './config.ts'

/**
 * The URL of the ClickHouse server with its password; undefined: history is embedded.
 * @throws InstallationError `secret_unreadable`
 */
export function clickHouseUrl(config: Config): string | undefined {
  const { CLICKHOUSE_URL: url, CLICKHOUSE_PASSWORD_FILE: file } = config
  return url === undefined || file === undefined ? url : withPassword(url, secretIn(file))
}
