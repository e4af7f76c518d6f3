import { createHmac } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Backend, Backends } from '#application';
import { ConnectorError, hashPushToken, isPushToken, type Session } from '#connector-sdk';
import { InHouseHub, ownTime } from '../support/in-house-hub.js';

describe('pushes', () => {
  let at: InHouseHub;

  beforeAll(async () => {
    at = await InHouseHub.start();
  });
  afterAll(() => at.stop());
  beforeEach(async () => {
    at.alarm.rings = false;
    await at.link();
  });

  const until = async (holds: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> => {
    for (const end = performance.now() + ms; !(await holds()) && performance.now() < end;) await delay(25);
  };
  const renew = () => at.hub.subscriptions.renew(at.ids.organizationId, at.linkId);
  const due = () => at.sql(`UPDATE link SET resubscribe_at = now() - interval '1 second' WHERE id = $1`, [at.linkId]);
  const state = async () =>
    (
      await at.sql<{ subscription_id: string | null; wait_s: number; secrets: number; hints: number }>(
        `SELECT subscription_id, extract(epoch FROM resubscribe_at - clock_timestamp())::float8 AS wait_s, (SELECT count(*)::int FROM push_secret s WHERE s.link_id = link.id) AS secrets,
           (SELECT count(*)::int FROM push_hint h WHERE h.link_id = link.id) AS hints FROM link WHERE id = $1`,
        [at.linkId],
      )
    )[0]!;
  /** A push of the simulator's, signed with the secret that the hub keeps. */
  const push = async (change: { id?: string; body?: string; age?: number; secret?: string } = {}) => {
    const known = await at.hub.subscriptions['parts'].store.secrets(at.ids.organizationId, at.linkId);
    const secret = Buffer.from(change.secret ?? known?.secrets[0] ?? '', 'base64url');
    const body = JSON.stringify({ type: 'agenda.changed', agendaId: at.remoteAgenda, entryIds: [] });
    const id = change.id ?? `msg_${String(Math.random())}`;
    const timestamp = String(Math.floor(Date.now() / 1000) - (change.age ?? 0));
    const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
    const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
    return at.hub.subscriptions.receive({ ...at.ids, headers, rawBody: Buffer.from(change.body ?? body) });
  };

  it('complaint 24: a subscription is renewed before it expires, once, with a secret of its own', async () => {
    const before = await state();
    expect(before).toMatchObject({ secrets: 1 });
    expect(before.wait_s).toBeGreaterThan(17.9 * 3600);
    expect(before.wait_s).toBeLessThan(18.1 * 3600);
    expect(await renew()).toBe('not-due');
    await due();
    expect(await at.hub.due.subscriptions(500)).toContainEqual(at.ids);
    const sealed = () => at.sql<{ sealed: Buffer }>('SELECT sealed FROM push_secret WHERE link_id = $1', [at.linkId]);
    const [old] = await sealed();
    await at.sql(
      `INSERT INTO push_hint (organization_id, link_id, hint_id, received_at) VALUES ($1, $2, 'old', now() - interval '2 days'), ($1, $2, 'new', now())`,
      [at.ids.organizationId, at.linkId],
    );
    expect((await Promise.all([renew(), renew(), renew()])).sort()).toEqual(['not-due', 'not-due', 'renewed']);
    const [renewed] = await sealed();
    expect(renewed?.sealed.equals(old!.sealed)).toBe(false);
    expect(await state()).toMatchObject({ subscription_id: before.subscription_id, secrets: 1, hints: 1 });
    expect(await at.subscriptions()).toHaveLength(1);
    await at.edit({ action: 'create', entry: ownTime(3) });
    await until(() => at.answers.length > 0);
    expect(at.answers).toEqual(['accepted']);
  });

  it('complaint 24: a channel the backend no longer knows is made anew, and the gap is read', async () => {
    const { subscription_id: old } = await state();
    expect(await at.asCustomer('DELETE', `subscriptions/${old ?? ''}`)).toBe(204);
    at.alarm.woken.length = 0;
    await due();
    expect(await renew()).toBe('renewed');
    const { subscription_id: made } = await state();
    expect(made).not.toBe(old);
    expect((await at.subscriptions()).map(({ id }) => id)).toEqual([made]);
    expect(at.alarm.woken).toEqual([{ job: 'sync-link', data: { ...at.ids, full: false }, delayMs: 0 }]);
  });

  it('a renewal that fails is tried again, and the old subscription serves meanwhile', async () => {
    const before = await state();
    await due();
    await at.fault({ kind: 'error', status: 503, method: 'POST', route: '/renew' });
    expect(await renew()).toBe('failed');
    const after = await state();
    expect(after.subscription_id).toBe(before.subscription_id);
    expect(after.wait_s).toBeGreaterThan(200);
    expect(after.wait_s).toBeLessThan(310);
    expect(await push()).toBe('accepted');
  });

  it('complaint 23: a subscription ends even with a dead credential; its pushes are refused from then on', async () => {
    expect(await push()).toBe('accepted');
    await at.fault({ kind: 'error', status: 401 });
    expect(await at.hub.subscriptions.end(at.ids.organizationId, at.linkId)).toBe('left-behind');
    expect(await push({ secret: 'anything' })).toBe('refused');
    expect(await state()).toMatchObject({ subscription_id: null, secrets: 0 });
    expect(await renew()).toBe('not-due');
    await at.link();
    expect(await at.hub.subscriptions.end(at.ids.organizationId, at.linkId)).toBe('ended');
    expect(await at.subscriptions()).toEqual([]);
  });

  it('scenario 39: a forged, old, replayed or altered push changes nothing', async () => {
    const before = await state();
    expect(await push({ secret: Buffer.alloc(32, 1).toString('base64url') })).toBe('refused');
    expect(await push({ age: 3600 })).toBe('refused');
    expect(await push({ body: '{"agendaId":"another"}' })).toBe('refused');
    expect(await state()).toMatchObject({ hints: before.hints });
    expect(await push({ id: 'msg_1' })).toBe('accepted');
    at.alarm.woken.length = 0;
    expect(await push({ id: 'msg_1' })).toBe('accepted');
    expect((await state()).hints).toBe(before.hints + 1);
    expect(at.alarm.woken).toEqual([]);
  });

  it('a storm of 1,000 hints is a few pulls a second, and the last of them is not lost', async () => {
    at.alarm.rings = true;
    await at.control('DELETE', 'requests');
    const began = performance.now();
    for (let n = 0; n < 1_000; n += 50) await Promise.all(Array.from({ length: 50 }, () => push()));
    const [{ id }] = [await at.edit({ action: 'create', entry: ownTime(4) })];
    await until(async () => (await at.mirrored()).some((known) => known.id === id));
    const seconds = (performance.now() - began) / 1000;
    expect((await at.mirrored()).map((known) => known.id)).toContain(id);
    expect((await at.requests('/changes')).length).toBeLessThanOrEqual(Math.ceil(seconds * 5) + 2);
    expect((await state()).hints).toBeGreaterThanOrEqual(1_000);
  });

  it('a hint that comes while a pull runs is answered by another pull', async () => {
    await at.sql(`UPDATE link SET hinted_at = clock_timestamp() + interval '1 second' WHERE id = $1`, [at.linkId]);
    await at.pull();
    const [row] = await at.sql<{ wait: number }>(
      'SELECT extract(epoch FROM poll_at - clock_timestamp())::float8 AS wait FROM link WHERE id = $1',
      [at.linkId],
    );
    expect(row?.wait).toBeLessThanOrEqual(0.2);
  });

  it('scenario 34: pushes lost, doubled and out of order leave nothing wrong after 5,000 changes', async () => {
    at.alarm.rings = true;
    await at.fault(
      { kind: 'push-lose', probability: 0.1 },
      { kind: 'push-duplicate', probability: 0.1 },
      { kind: 'push-reorder', probability: 0.3 },
    );
    const ids: string[] = [];
    const slot = (n: number) => ({ start: ownTime(1).start + n * 600_000, end: ownTime(1).start + (n + 1) * 600_000 });
    const change = async (n: number): Promise<void> => {
      const id = ids[n % Math.max(1, ids.length)];
      if (id === undefined || n % 10 === 0) {
        ids.push((await at.edit({ action: 'create', entry: { ...slot(n), title: 'Privé' } })).id);
      } else await at.edit({ action: 'move', id, ...slot(n) });
    };
    for (let n = 0; n < 5_000; n += 10) await Promise.all(Array.from({ length: 10 }, (_, i) => change(n + i)));
    for (const id of ids.splice(0, 100)) await at.edit({ action: 'delete', id });
    const equal = async () => JSON.stringify(await at.mirrored()) === JSON.stringify(await at.remote());
    // What a lost push left out, the next poll brings.
    await until(async () => (await at.pull()) === 'done' && (await equal()), 20_000);
    expect(await at.mirrored()).toEqual(await at.remote());
    expect((await at.mirrored()).length).toBeGreaterThan(300);
  }, 120_000);

  it('scenario 35, complaint 24: with all pushes lost, the next poll finds every change', async () => {
    at.alarm.rings = true;
    await at.fault({ kind: 'push-lose' });
    for (let n = 1; n < 20; n += 1) await at.edit({ action: 'create', entry: ownTime(n) });
    await delay(200);
    expect(at.answers).toEqual([]);
    const [row] = await at.sql<{ wait: number }>(
      'SELECT extract(epoch FROM poll_at - as_of)::float8 AS wait FROM link WHERE id = $1',
      [at.linkId],
    );
    // What changed a moment ago is asked again within seconds; the longest, at night, is a quarter of an hour.
    expect(row?.wait).toBeLessThanOrEqual(900);
    await at.sql(`UPDATE link SET poll_at = now() WHERE id = $1`, [at.linkId]);
    expect(await at.hub.due.links(500)).toContainEqual({ ...at.ids, full: false });
    await at.pull();
    expect(await at.mirrored()).toEqual(await at.remote());
  });
});

describe('a push that brings the secret itself back', () => {
  let at: InHouseHub;
  let asked = '';

  class TokenBackends extends Backends {
    constructor(private readonly real: Backends) {
      super();
    }

    async open(organizationId: string, connectionId: string): Promise<Backend> {
      const { session, capabilities } = await this.real.open(organizationId, connectionId);
      const byToken: Partial<Session> = {
        subscribe: async ({ secret }) => {
          asked = secret;
          return { id: 'channel', expiresAt: null };
        },
        parsePush: ({ headers, secret }) => {
          if (!isPushToken(headers['x-token'], secret)) throw new ConnectorError('auth', 'not authentic');
          return { id: headers['x-number'] ?? '', agendaIds: [] };
        },
      };
      const pull: Session['pull'] = (request, options) => session.pull(request, options);
      const listAgendas: Session['listAgendas'] = (options) => session.listAgendas(options);
      return {
        session: { ...session, pull, listAgendas, ...byToken },
        capabilities: { ...capabilities, pushProof: 'token' },
      };
    }
  }

  beforeAll(async () => {
    at = await InHouseHub.start({ around: { backends: (real) => new TokenBackends(real) } });
    await at.link();
  });
  afterAll(() => at.stop());

  it('is known by the hash alone, which is all that is kept', async () => {
    const [kept] = await at.sql<{ sealed: Buffer | null; hash: string }>(
      'SELECT sealed, hash FROM push_secret WHERE link_id = $1',
      [at.linkId],
    );
    expect(kept).toEqual({ sealed: null, hash: hashPushToken(asked) });
    const receive = (token: string) =>
      at.hub.subscriptions.receive({
        ...at.ids,
        headers: { 'x-token': token, 'x-number': '1' },
        rawBody: Buffer.alloc(0),
      });
    expect([await receive(asked), await receive(kept!.hash), await receive('')]).toEqual([
      'accepted',
      'refused',
      'refused',
    ]);
  });
});
