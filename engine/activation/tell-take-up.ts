/** What the log says of a node that cannot take up the pack in force. */
import type { Logger } from '../log.ts'
import type { TakeUpNews } from './take-up-watch.ts'

/** A line when it begins, at most one a minute while it lasts, and one when it is over. */
export function tellTakeUp(logger: Pick<Logger, 'error' | 'info'>, news: TakeUpNews): void {
  if (news.kind === 'over') {
    const { reason, forMs } = news
    logger.info({ reason, forMs }, 'this node runs the pack in force again')
    return
  }
  const { reason, message, since } = news.trouble
  logger.error(
    { reason, since: new Date(since).toISOString(), forMs: news.forMs },
    `this node cannot take up the pack in force and tries again every two seconds: ${message}`,
  )
}
