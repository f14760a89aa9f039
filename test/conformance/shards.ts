/** What the shards promise, as a suite that runs over every store. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { letsOut } from '../../engine/shard/outbox.ts'
import { openStore } from '../../engine/store/open-store.ts'
import { nothingAdded } from '../../engine/store/store.ts'
import { encodeEvent } from '../../ingest/avro-codec.ts'
import type { Event } from '../../ingest/event.ts'
import { type Feed, feedOf } from '../../ingest/log.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { type Folder, partitions } from '../engine/shard/data-folder.ts'
import { type MakePlace, pageView, request, shardRig, views } from '../engine/shard/shard-rig.ts'

/** Registers the suite under the name of a store. */
export function shardsConformance(name: string, makePlace: MakePlace): void {
  const rig = shardRig(makePlace)
  for (const mode of ['inline', 'worker'] as const) {
    describe(`${mode} shards over ${name}`, () => {
      it('an answer that reserves is committed, and its repeat takes nothing twice', async () => {
        const shards = await rig.started({ mode })
        await rig.known(shards, 'anna')
        const asked = request('anna')
        const first = await shards.decide(asked)
        expect(first).toMatchObject({ committed: true, decision: { outcome: 'offered', customerId: 'anna' } })
        const again = await shards.decide(asked)
        expect(again.decision).toMatchObject({ id: first.decision.id, reason: 'repeated_request' })
        expect((await shards.customer('anna')).contacts.length).toBe(1)
      })

      it('an answer that reserves nothing comes without a commit, and its record leaves within two seconds', async () => {
        const shards = await rig.started({ mode })
        const before = await shards.partitions()
        const { decision, committed } = await shards.decide(request('nobody-knows', { placement: 'adviser_desk' }))
        expect(committed).toBe(false)
        expect((await shards.partitions()).map(({ seq }) => seq)).toEqual(before.map(({ seq }) => seq))
        await expect
          .poll(async () => (await rig.published()).map(({ id }) => id), { timeout: 2_000 })
          .toContain(decision.id)
      })

      it('a request sees the event whose position it carries', async () => {
        const shards = await rig.started({ mode })
        for (let i = 0; i < 20; i++) {
          const after = await rig.append(pageView('berta', `view-${i}`))
          const { decision } = await shards.decide(request('berta', { after }))
          expect(decision.reason).not.toBe('deadline_exceeded')
          const views = (await shards.customer('berta')).variables.find(({ name }) => name === 'wealth_reading_ms_7d')
          expect(views?.lo).toBe((i + 1) * 1_000)
        }
      })

      it('it is told what became of each event, exactly', async () => {
        const shards = await rig.started({ mode })
        const soon = Date.now() + 5_000
        const first = await rig.append(pageView('carl', 'one'))
        const second = await rig.append(pageView('carl', 'one'))
        const late = await rig.append(pageView('carl', 'late', { time: Date.now() - 100 * 3_600_000 }))
        const { firstOffset } = await rig
          .folder()
          .log.append(first.partition, [{ key: 'carl', value: Buffer.from('torn') }])
        const wrong = (first.partition + 1) % partitions
        const misplaced = await rig
          .folder()
          .log.append(wrong, [{ key: 'carl', value: encodeEvent(pageView('carl', 'two')) }])
        expect(await shards.applied(first, soon)).toBe('accepted')
        expect(await shards.applied(second, soon)).toBe('duplicate')
        expect(await shards.applied(late, soon)).toBe('too_late')
        expect(await shards.applied({ partition: first.partition, offset: firstOffset }, soon)).toBe('undecodable')
        expect(await shards.applied({ partition: wrong, offset: misplaced.firstOffset }, soon)).toBe('wrong_partition')
        expect(await shards.applied({ partition: wrong, offset: 10_000 }, Date.now() + 30)).toBeNull()
        await shards.drained()
        expect(await shards.totals()).toMatchObject({ accepted: 1, duplicates: 1, deadLettered: 3 })
        const letters = await rig.folder().deadLetters.list({ limit: 10 })
        expect(letters.map(({ reason }) => reason).sort()).toEqual(['too_late', 'undecodable', 'wrong_partition'])
        expect(await rig.folder().deadLetters.get(`p${first.partition}-${firstOffset}`)).toMatchObject({
          via: 'stream',
        })
        // A misplaced event leaves the customer's state, in the partition where it is at home, alone.
        await rig.append(pageView('carl', 'three'))
        await shards.drained()
        const reading = (await shards.customer('carl')).variables.find(({ name }) => name === 'wealth_reading_ms_7d')
        expect(reading?.lo).toBe(2_000)
      })

      it('a stop finishes, publishes and leaves nothing in the outbox', async () => {
        const shards = await rig.started({ mode })
        await rig.appendAll(views(200, 200).map((event) => ({ ...event, time: Date.now() - 1e9 })))
        await shards.decide(request('customer-1', { placement: 'adviser_desk' }))
        await shards.stop(5_000)
        const refused = await shards.decide(request('customer-1'))
        expect(refused.decision.reason).toBe('shutting_down')
        const store = openStore(rig.place())
        for (let p = 0; p < partitions; p++) {
          const meta = await store.meta(p)
          const left = await store.outbox(p, meta?.published ?? 0, Number.MAX_SAFE_INTEGER / 1_000)
          // What the last commits were made from waits for the next one to be dropped; it is out.
          expect(left.filter(({ value }) => letsOut(value))).toEqual([])
        }
        await store.close()
      })

      it('a start over a log with events counts them all and publishes nothing twice after a clean stop', async () => {
        await rig.appendAll(views(700, 300))
        const first = await rig.started({ mode })
        await first.drained()
        expect(await first.totals()).toMatchObject({ accepted: 700, duplicates: 0 })
        await first.stop(5_000)
        const before = await rig.published()
        const second = await rig.started({ mode })
        await second.drained()
        expect(await second.totals()).toMatchObject({ accepted: 700, duplicates: 0 })
        expect(await rig.published()).toEqual(before)
      })
    })
  }

  describe(`shards in trouble over ${name}`, () => {
    it('a request whose time is over gets the placement’s fallback then, and not later than that', async () => {
      const shards = await rig.folder().shards()
      rig.running(shards)
      const asked = Date.now()
      // On a busy machine any timer is late: the answer is held against another one.
      const timer = sleep(50).then(() => Date.now())
      const { decision, committed } = await shards.decide(request('dora', { deadlineAt: asked + 50 }))
      const answered = Date.now()
      expect(answered - asked).toBeGreaterThanOrEqual(45)
      expect(answered - (await timer)).toBeLessThan(40)
      expect(committed).toBe(false)
      expect(decision).toMatchObject({ outcome: 'fallback', reason: 'deadline_exceeded', placement: 'app_home_banner' })
      expect(decision.offers.length).toBe(1)
      await shards.start('')
      await shards.drained()
      expect((await rig.published()).map(({ id }) => id)).toContain(decision.id)
    })

    it('a request for an event that never comes gets the fallback at its deadline', async () => {
      const shards = await rig.started()
      const after = { partition: 0, offset: 99 }
      const { decision } = await shards.decide(request('dora', { after, deadlineAt: Date.now() + 40 }))
      expect(decision.reason).toBe('deadline_exceeded')
    })

    it('more requests than may wait get the fallback at once', async () => {
      const shards = await rig.started({ limits: { liveQueue: 3 } })
      const answers = await Promise.all(Array.from({ length: 10 }, () => shards.decide(request('emil'))))
      expect(answers.filter(({ decision }) => decision.reason === 'overloaded').length).toBe(7)
    })

    it('a log that dropped unread events closes the partition and says so', async () => {
      const partition = partitionOf('frida', partitions)
      await rig.started().then((shards) => shards.stop(3_000))
      const store = openStore(rig.place())
      const meta = await store.acquire(partition, 'by-hand', '')
      if (meta === null) throw new Error('the partition is there')
      const commit = { token: 'by-hand', from: 0, to: 1, writes: [], due: [], outbox: null, trim: 0, notAfter: null }
      await store.commit(partition, { ...commit, meta: { ...meta, next: 50 } })
      await store.close()
      const shards = await rig.started()
      const status = (await shards.partitions())[partition]
      expect(status).toMatchObject({ state: 'closed', seq: 1, next: 50 })
      expect(status?.reason).toMatch(/^log_reset/)
      expect((await shards.decide(request('frida'))).decision.reason).toBe('partition_closed')
      await expect(shards.customer('frida')).rejects.toMatchObject({ code: 'partition_closed' })
      expect(await shards.reopen(partition, 'keep_closed')).toMatchObject({ state: 'closed' })
      await expect(shards.drained()).rejects.toMatchObject({ code: 'partition_closed' })
    })

    it('a request at a take-over sees every event that was in the log then', async () => {
      // One partition, so that the event lies behind a long backlog.
      const customers = Array.from({ length: 900 }, (_, i) => `customer-${i}`)
      const partition = partitionOf('hedwig', partitions)
      const others = customers.filter((id) => partitionOf(id, partitions) === partition)
      await rig.appendAll(
        Array.from({ length: 9_000 }, (_, i) => pageView(others[i % others.length] ?? '', `view-${i}`)),
      )
      await rig.append(pageView('hedwig', 'the-last-one'))
      const shards = await rig.started()
      const { decision } = await shards.decide(request('hedwig', { deadlineAt: Date.now() + 10_000 }))
      expect(decision.reason).not.toBe('cold_start')
      expect(decision.reason).not.toBe('stale_state')
    })

    it('what is on its way from the log is waited for at a take-over: an empty read says nothing of it', async () => {
      const partition = partitionOf('ilse', partitions)
      for (let i = 0; i < 5; i++) await rig.append(pageView('ilse', `view-${i}`))
      const { log } = rig.folder()
      let hasCome = false
      let tell = (_: number): void => {}
      const feed: Feed = {
        ...feedOf(log),
        read: async (p, from, limit) => (p !== partition || hasCome ? log.read(p, from, limit) : []),
        onAppend: (listener) => {
          tell = listener
          return log.onAppend(listener)
        },
        hasCome: (p) => p !== partition || hasCome,
      }
      const shards = await rig.started({ feed })
      const answer = shards.decide(request('ilse', { placement: 'adviser_desk', deadlineAt: Date.now() + 5_000 }))
      let isAnswered = false
      void answer.then(() => {
        isAnswered = true
      })
      await new Promise((resolve) => setTimeout(resolve, 150))
      expect(isAnswered).toBe(false)
      hasCome = true
      tell(partition)
      expect((await answer).decision.reason).not.toBe('deadline_exceeded')
    })

    it('a request gets the fallback while events wait for more than a minute to be counted', async () => {
      await rig.appendAll(views(6_000, 300), { appendTime: Date.now() - 61_000 })
      const shards = await rig.started({ limits: { batchEvents: 4 } })
      const answers = await Promise.all(
        ['customer-1', 'customer-2', 'customer-3'].map((id) => shards.decide(request(id))),
      )
      expect(answers.map(({ decision }) => decision.reason)).toContain('stale_state')
      await shards.drained()
      const after = await shards.decide(request('customer-1', {}))
      expect(after.decision.reason).not.toBe('stale_state')
    })

    it('an erased customer stays erased over a restart, and nothing of later events is kept', async () => {
      const shards = await rig.started()
      await rig.append(pageView('ida', 'one'))
      const erasure: Event = { ...pageView('ida', 'erase'), type: 'customer.erased', data: { ground: 'request' } }
      expect(await shards.applied(await rig.append(erasure), Date.now() + 3_000)).toBe('accepted')
      expect(await shards.applied(await rig.append(pageView('ida', 'two')), Date.now() + 3_000)).toBe('erased')
      await shards.stop(3_000)

      const again = await rig.started()
      const after = await rig.append(pageView('ida', 'three'))
      expect(await again.applied(after, Date.now() + 3_000)).toBe('erased')
      const { decision } = await again.decide(request('ida'))
      expect(decision).toMatchObject({ outcome: 'fallback', reason: 'erased' })
      expect(await again.customer('ida')).toMatchObject({ known: false, contacts: [] })
      await again.drained()
      const letter = await rig.folder().deadLetters.get(`p${after.partition}-${after.offset}`)
      expect(letter).toMatchObject({ reason: 'erased' })
      expect(letter?.bytes.length).toBe(0)
      expect((await rig.published()).filter(({ customerId }) => customerId === 'ida')).toEqual([])
    })

    it('a partition without a header stays closed and is not made anew', async () => {
      const pack = rig.folder().pack
      const store = openStore(rig.place())
      const cluster = {
        format: 1,
        partitions,
        clock: 'wall',
        log: '',
        salt: 's',
        completeSince: 0,
        pack: pack.hash,
      } as const
      await store.putCluster({ ...cluster, observedSince: {}, ...nothingAdded }, null)
      await store.close()
      const shards = await rig.started()
      const [status] = await shards.partitions()
      expect(status?.state).toBe('closed')
      expect(status?.reason).toMatch(/header of the partition is missing/)
    })

    it('an owner that lost the partition writes nothing under its old token, and takes it back as it is still its own', async () => {
      const shards = await rig.started()
      const { partition } = await rig.append(pageView('gustav', 'one'))
      await shards.drained()
      const store = openStore(rig.place())
      const before = await store.meta(partition)
      const taken = await store.acquire(partition, 'somebody-else', '')
      const after = await rig.append(pageView('gustav', 'two'))
      expect(await shards.applied(after, Date.now() + 3_000)).toBe('accepted')
      const meta = await store.meta(partition)
      expect(meta?.seq).toBe((taken?.seq ?? 0) + 1)
      expect([before?.token, 'somebody-else']).not.toContain(meta?.token)
      await store.close()
      expect((await shards.partitions())[partition]).toMatchObject({ state: 'running', reason: null })
      expect((await shards.totals()).accepted).toBe(2)
    })

    it('a worker thread that dies is replaced, and nothing is lost or counted twice', async () => {
      await rig.appendAll(views(1_500, 100))
      const shards = await rig.started({
        mode: 'worker',
        failAt: { name: 'committed', passing: 9, how: 'exit_thread' },
      })
      await shards.drained()
      expect(await shards.totals()).toMatchObject({ accepted: 1_500, duplicates: 0 })
      let readMs = 0
      for (let i = 0; i < 100; i++) {
        const view = await shards.customer(`customer-${i}`)
        readMs += view.variables.find(({ name }) => name === 'wealth_reading_ms_7d')?.lo ?? 0
      }
      expect(readMs).toBe(1_500 * 1_000)
    })

    it('when nothing can be published the partition stops and answers the fallback, and goes on afterwards', async () => {
      const partition = partitionOf('hanna', partitions)
      let full = true
      const decisions: Folder['decisions'] = {
        ...rig.folder().decisions,
        append: (p, records) => (full ? Promise.reject(new Error('full')) : rig.folder().decisions.append(p, records)),
      }
      const shards = await rig.started({ decisions, limits: { outboxCommits: 2 } })
      await rig.known(shards, 'ines')
      const customers = Array.from({ length: 40 }, (_, i) => `hanna-${i}`).filter(
        (id) => partitionOf(id, partitions) === partition,
      )
      const reasons: string[] = []
      for (const customerId of [...customers, ...customers]) {
        await rig.append(pageView(customerId, `fail-${reasons.length}`, { source: 'nobody', time: Date.now() - 1e10 }))
        const { decision } = await shards.decide(request(customerId, { deadlineAt: Date.now() + 300 }))
        reasons.push(decision.reason)
        if (decision.reason === 'outbox_full') break
        await new Promise((resolve) => setTimeout(resolve, 1_050))
      }
      expect(reasons.at(-1)).toBe('outbox_full')
      full = false
      await shards.drained()
      const { decision } = await shards.decide(request('hanna'))
      expect(decision.reason).not.toBe('outbox_full')
    }, 20_000)

    it('a cache that cannot hold a batch of customers takes smaller ones', async () => {
      await rig.appendAll(views(3_000, 3_000))
      const shards = await rig.started({ cacheBytes: 160 * 1_024 })
      await shards.drained()
      expect(await shards.totals()).toMatchObject({ accepted: 3_000 })
      const [usage] = await shards.usage()
      expect(usage?.bytes).toBeLessThanOrEqual(160 * 1_024)
      expect(usage?.customers).toBeLessThan(1_000)
    })
  })
}
