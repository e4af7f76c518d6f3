import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { newId } from '#application';
import { SmtpMailer } from '#platform';
import { eventsOf, linkAgenda, openHub, type TestHub } from '../support/hub.js';
import { Postbox } from '../support/postbox.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool, query, twins, type Practice } from '../support/practice.js';
import { openInHouse, type InHouseAgenda } from '../support/remotes.js';

const PATIENT = { lastName: 'Zyxwvutsrq', firstName: 'Zoé' };
const TEN = Math.floor(Date.now() / 86_400_000) * 86_400_000 + 10 * 86_400_000 + 36_000_000;

describe('alerts about links', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let hub: TestHub;
  let practice: Practice;
  let remote: InHouseAgenda;
  let linkId: string;
  const post = new Postbox();

  const events = async () =>
    (await eventsOf(hub, practice.organization, linkId)).filter((event) => /link-(red|orange|green|alert)/.test(event));
  const watch = () => hub.alerts.watch(practice.organization);
  const health = async () => (await hub.links.health(practice.organization, linkId))!;
  const pull = () => hub.lanes.run({ organizationId: practice.organization, agendaId: practice.agenda, sync: 'delta' });
  const rekey = (apiKey: string) =>
    remote.control('seed', {
      agendas: [{ id: remote.account.remoteAgendaId, name: 'Dr Martin', zone: 'Europe/Paris', apiKey }],
    });
  const anHourLater = () =>
    query(
      pool,
      practice,
      `UPDATE link_watch SET alert_at = alert_at - interval '1 hour', alerted_at = alerted_at - interval '1 hour', red_since = red_since - interval '1 hour'`,
    );
  const connection = async () => (await hub.connections.list(practice.organization))[0]!.id;
  const turnRed = async (): Promise<void> => {
    await rekey('another-key-0123456789');
    await pull();
  };

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl);
    const mailer = new SmtpMailer(await post.start(), 'Unisson <unisson@example.org>');
    hub = await openHub({ url: database.appUrl, mailer });
  });
  afterAll(async () => {
    await hub.close();
    await post.stop();
    await remote.close();
    await pool.end();
    await database.drop();
  });
  beforeEach(async () => {
    await remote?.close();
    remote = await openInHouse();
    practice = await createPractice(pool);
    linkId = await linkAgenda(hub, practice, remote.account);
    const responsible = { name: 'Claire', email: 'claire@example.org' };
    await hub.connections.setResponsible(practice.organization, await connection(), responsible);
    post.mails.length = 0;
    post.refuse = false;
  });

  it('complaint 22: a dead credential is told at once, again every hour, once each, until it is over', async () => {
    await watch();
    expect([await events(), post.mails]).toEqual([[], []]);
    await turnRed();
    await twins(8, watch);
    expect(await events()).toEqual(['link-red by system', 'link-alert by system']);
    expect(post.mails).toHaveLength(1);
    expect(post.mails[0]).toMatchObject({ to: ['claire@example.org'] });
    expect(post.mails[0]!.text).toMatch(/Les identifiants sont refusés[^]*The agenda refuses the credentials/);
    await twins(8, watch);
    expect(post.mails).toHaveLength(1);
    await anHourLater();
    await twins(8, watch);
    expect(post.mails).toHaveLength(2);
    expect(await health()).toMatchObject({
      light: 'red',
      responsible: { name: 'Claire' },
      alert: { redSince: expect.any(Number), nextAt: expect.any(Number), error: null },
    });
    const organizationId = practice.organization;
    await hub.lifecycle.replaceSecrets(
      { organizationId, id: await connection() },
      { secrets: { apiKey: 'another-key-0123456789' }, actor: { kind: 'system' } },
    );
    await pull();
    await twins(8, watch);
    await anHourLater();
    await watch();
    expect(post.mails).toHaveLength(2);
    expect((await events()).at(-1)).toBe('link-green by system');
    expect((await events()).filter((event) => event.startsWith('link-green'))).toHaveLength(1);
    expect(await health()).toMatchObject({ light: 'green', alert: { redSince: null, nextAt: null } });
  });

  it('a link that flickers does not mail more often than once an interval', async () => {
    for (const key of ['another-key-0123456789', 'chaos-in-house-key-0123456789', 'another-key-0123456789']) {
      await rekey(key);
      await pull();
      await watch();
    }
    expect(await events()).toEqual([
      'link-red by system',
      'link-alert by system',
      'link-green by system',
      'link-red by system',
    ]);
    expect(post.mails).toHaveLength(1);
  });

  it('a mail that was not accepted is visible, and tried again; the event is not repeated for it', async () => {
    post.refuse = true;
    await turnRed();
    await watch();
    const { alert } = await health();
    expect([post.mails.length, alert.error]).toEqual([0, expect.stringContaining('451')]);
    expect(alert.error).not.toContain('secret-detail');
    expect(alert.nextAt! - Date.now()).toBeLessThan(2 * 60_000);
    post.refuse = false;
    await query(pool, practice, `UPDATE link_watch SET alert_at = now()`);
    await watch();
    expect(post.mails).toHaveLength(1);
    expect((await health()).alert.error).toBeNull();
    expect((await events()).filter((event) => event.startsWith('link-alert'))).toHaveLength(1);
  });

  it('no mail says anything about a patient, or holds a secret', async () => {
    await query(
      pool,
      practice,
      `INSERT INTO opening_occurrence SELECT organization_id, id, tstzrange(to_timestamp($1), to_timestamp($2)), agenda_id FROM opening`,
      [TEN / 1000 - 86_400, TEN / 1000 + 86_400],
    );
    await query(pool, practice, `UPDATE agenda SET when_unreachable = 'queue'`);
    await turnRed();
    const booked = await hub.booking.book({
      organizationId: practice.organization,
      id: newId(),
      agendaId: practice.agenda,
      motifId: practice.motif,
      start: TEN,
      patient: PATIENT,
      actor: { kind: 'collaborator', id: practice.collaborator, key: newId() },
      key: null,
      waitMs: 0,
    });
    expect(booked.outcome).toBe('booked');
    await watch();
    expect(post.mails[0]!.text).toMatch(/Écritures en attente : 1/);
    expect(post.mails[0]!.text).not.toMatch(/Zyxwvutsrq|Zoé|key-0123456789/);
  });

  it('complaint 24: a link that nobody reads any more turns red by its lag, although nothing fails', async () => {
    await query(
      pool,
      practice,
      `UPDATE link SET poll_at = now() - interval '6 minutes', phase_since = now() - interval '1 day'`,
    );
    await watch();
    expect(await health()).toMatchObject({
      light: 'red',
      read: { failures: 0, light: 'red' },
      advice: { code: 'WORKER_LATE' },
    });
    expect((await health()).read.lagMs).toBeGreaterThan(300_000);
    expect(await events()).toContain('link-red by system');
    await pull();
    await watch();
    expect((await events()).at(-1)).toBe('link-green by system');
  });

  it('complaint 25: a write that the backend throttles is kept, shows, and turns the light red when it lasts', async () => {
    await query(
      pool,
      practice,
      `INSERT INTO opening_occurrence SELECT organization_id, id, tstzrange(to_timestamp($1), to_timestamp($2)), agenda_id FROM opening`,
      [TEN / 1000 - 86_400, TEN / 1000 + 86_400],
    );
    await remote.control('faults', {
      faults: [{ kind: 'rate-limit', retryAfterSeconds: 60, method: 'POST', times: 1 }],
    });
    const id = newId();
    await hub.booking.book({
      organizationId: practice.organization,
      id,
      agendaId: practice.agenda,
      motifId: practice.motif,
      start: TEN,
      patient: PATIENT,
      actor: { kind: 'collaborator', id: practice.collaborator, key: newId() },
      key: null,
      waitMs: 1_000,
    });
    expect(await health()).toMatchObject({ write: { queued: 1, nextAt: expect.any(Number) } });
    await query(pool, practice, `UPDATE remote_write SET asked_at = now() - interval '16 minutes'`);
    expect(await health()).toMatchObject({ write: { light: 'red' }, light: 'red' });
    await query(pool, practice, `UPDATE connection SET blocked_until = '-infinity'`);
    await query(pool, practice, 'UPDATE remote_write SET due_at = now()');
    await pull();
    expect(await health()).toMatchObject({ write: { light: 'green', queued: 0 } });
    expect((await remote.entries()).map(({ appointmentId }) => appointmentId)).toEqual([id]);
  });

  it('a credential that ends soon is told before it does', async () => {
    await query(pool, practice, `UPDATE connection SET expires_at = now() + interval '3 days'`);
    expect(await health()).toMatchObject({ light: 'orange', advice: { code: 'RENEW_CREDENTIAL_SOON' } });
    await query(pool, practice, `UPDATE connection SET expires_at = now() + interval '31 days'`);
    expect(await health()).toMatchObject({ light: 'green', advice: { code: 'NOTHING' } });
  });
});
