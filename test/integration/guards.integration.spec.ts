import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Backend, Backends, newId, type Actor } from '#application';
import { ConnectorError, type PullItem, type Session } from '#connector-sdk';
import type { RemoteChange } from '#domain';
import { InHouseHub, ownTime } from '../support/in-house-hub.js';

/** What becomes of a pull on its way to the hub. */
let spoil: (item: PullItem) => PullItem = (item) => item;

class SpoiledBackends extends Backends {
  constructor(private readonly real: Backends) {
    super();
  }

  async open(organizationId: string, connectionId: string): Promise<Backend> {
    const backend = await this.real.open(organizationId, connectionId);
    const pull: Session['pull'] = async function* (request, options) {
      for await (const item of backend.session.pull(request, options)) yield spoil(item);
    };
    const { session, capabilities } = backend;
    return { capabilities, session: { ...session, pull } };
  }
}

/** Makes these objects unreadable on their way, but for their times where those are `timed`. */
const poison =
  (ids: readonly string[], timed = false) =>
  (item: PullItem): PullItem => {
    if (item.type === 'end') return item;
    const change = (one: RemoteChange): RemoteChange =>
      one.kind === 'upsert' && ids.includes(one.object.remoteId)
        ? {
            kind: 'unreadable',
            remoteId: one.object.remoteId,
            version: one.object.version,
            reason: 'no start',
            raw: 'RAW Durand',
            ...(timed ? { busy: one.object.busy } : {}),
          }
        : one;
    return { ...item, changes: item.changes.map(change) };
  };
/** An agenda that answers as if nothing were there. */
const emptied = (item: PullItem): PullItem =>
  item.type === 'changes'
    ? { ...item, changes: [] }
    : { ...item, complete: item.complete && { ...item.complete, present: new Set() } };

describe('deletions', () => {
  let at: InHouseHub;

  beforeAll(async () => {
    at = await InHouseHub.start({ around: { backends: (real) => new SpoiledBackends(real) } });
  });
  afterAll(() => at.stop());
  beforeEach(async () => {
    spoil = (item) => item;
    await at.link(Array.from({ length: 30 }, (_, n) => ownTime(n + 1)));
  });

  const actor = (): Actor => ({ kind: 'collaborator', id: at.practice.collaborator, key: newId() });
  const brake = async () => (await at.hub.brake.get(at.ids.organizationId, at.linkId))!;
  const held = async () =>
    (await at.hub.brake.held({ ...at.ids, after: null, limit: 500 })).map(({ remoteId }) => remoteId);
  const release = async (revision: number) => {
    const released = await at.hub.brake.release({ ...at.ids, agendaId: at.practice.agenda, revision, actor: actor() });
    return released === null ? null : released.carriedOut;
  };
  const remove = async (count: number): Promise<string[]> => {
    const gone = (await at.entries()).slice(0, count).map(({ id }) => id);
    for (const id of gone) await at.edit({ action: 'delete', id });
    return gone.sort();
  };

  it('complaint 11, scenario 37: an empty answer deletes nothing, says so, and is forgotten when all is there again', async () => {
    spoil = emptied;
    expect(await at.pull('full')).toBe('done');
    expect(await at.mirrored()).toHaveLength(30);
    expect((await brake()).held).toMatchObject({ deletions: 30, known: 30, appointments: 0, released: false });
    expect(await at.events()).toContain('deletions-held');
    spoil = (item) => item;
    expect(await at.pull()).toBe('done');
    expect((await brake()).held).toBeNull();
    expect(await held()).toEqual([]);
    expect((await at.events()).slice(-2)).toEqual(['deletions-held', 'deletions-settled']);
    expect(await at.mirrored()).toEqual(await at.remote());
  });

  it('a small agenda that was emptied stays as it is while nothing of it comes back, whatever else is made there', async () => {
    await at.link(Array.from({ length: 5 }, (_, n) => ownTime(n + 1)));
    const made = await at.edit({ action: 'create', entry: ownTime(20) });
    const isMade = (change: RemoteChange) => change.kind === 'upsert' && change.object.remoteId === made.id;
    spoil = (item) =>
      item.type === 'changes'
        ? { ...item, changes: item.changes.filter(isMade) }
        : { ...item, complete: item.complete && { ...item.complete, present: new Set([made.id]) } };
    for (let reads = 0; reads < 3; reads += 1) {
      expect(await at.pull('full')).toBe('done');
      expect(await at.mirrored()).toHaveLength(6);
    }
    expect((await brake()).held).toMatchObject({ deletions: 5 });
    expect((await at.events()).filter((type) => type === 'deletions-held')).toHaveLength(1);
    spoil = (item) => item;
    await at.pull();
    expect((await brake()).held).toBeNull();
    expect(await at.mirrored()).toEqual(await at.remote());
  });

  it('many deletions wait for a person, however often they are read, and go when he has seen them', async () => {
    const gone = await remove(15);
    for (let reads = 0; reads < 3; reads += 1) await at.pull();
    expect(await at.mirrored()).toHaveLength(30);
    const seen = await brake();
    expect(seen).toMatchObject({ revision: 1, held: { deletions: 15, known: 30 } });
    expect(await held()).toEqual(gone);
    expect((await at.events()).filter((type) => type === 'deletions-held')).toHaveLength(1);
    expect(await release(seen.revision)).toBe(true);
    expect(await at.mirrored()).toEqual(await at.remote());
    expect((await at.events()).slice(-2)).toEqual(['deletions-released', 'deletions-settled']);
  });

  it('nobody releases what he has not seen', async () => {
    await remove(12);
    await at.pull();
    const seen = await brake();
    await remove(11);
    await at.pull();
    expect((await brake()).held?.deletions).toBe(23);
    expect(await release(seen.revision)).toBeNull();
    expect(await at.mirrored()).toHaveLength(30);
    // Released, but before it was carried out everything vanished: held anew.
    spoil = emptied;
    await release((await brake()).revision);
    expect((await brake()).held).toMatchObject({ deletions: 30, released: false });
    expect(await at.mirrored()).toHaveLength(30);
  });

  it('a release survives the process that made it: whoever reads next carries it out', async () => {
    await remove(15);
    await at.pull();
    const { revision } = await brake();
    await at.sql(`UPDATE agenda_lane SET lease_until = now() + interval '1 second' WHERE agenda_id = $1`, [
      at.practice.agenda,
    ]);
    expect(await release(revision)).toBe(false);
    expect((await brake()).held?.released).toBe(true);
    expect(await at.hub.due.links(500)).toContainEqual({ ...at.ids, full: false });
    await delay(1_100);
    expect(await at.pull()).toBe('done');
    expect(await at.mirrored()).toEqual(await at.remote());
  });

  it('while deletions are held everything else goes on', async () => {
    await remove(15);
    await at.pull();
    const { id } = await at.edit({ action: 'create', entry: ownTime(40) });
    await at.pull();
    expect((await at.mirrored()).map((known) => known.id)).toContain(id);
    expect((await brake()).held?.deletions).toBe(15);
  });

  it.each([
    ['a calendar that is gone', { kind: 'error', status: 404 }],
    ['an HTML page', { kind: 'html' }],
    ['half an answer', { kind: 'torn' }],
    ['an outage', { kind: 'error', status: 503 }],
  ])('complaint 11: %s deletes nothing', async (_, fault) => {
    await at.fault({ method: 'GET', route: '/agendas/', ...fault });
    expect(await at.pull('full')).toBe('unreachable');
    expect(await at.mirrored()).toHaveLength(30);
    expect((await brake()).held).toBeNull();
  });

  it('complaint 11: a pull that stops before its end deletes nothing', async () => {
    spoil = (item) => {
      if (item.type === 'end') throw new ConnectorError('unavailable', 'cut');
      return { ...item, changes: item.changes.slice(0, 3) };
    };
    expect(await at.pull('full')).toBe('unreachable');
    expect(await at.mirrored()).toHaveLength(30);
  });

  it('complaint 10, scenario 36: a dead cursor finds both deletions of the gap, and nothing outside what was read', async () => {
    const far = await at.edit({ action: 'create', entry: ownTime(400) });
    await at.pull();
    await remove(2);
    await at.control('POST', 'expire-cursors', { agendaId: at.remoteAgenda });
    expect(await at.pull()).toBe('done');
    expect(await at.mirrored()).toEqual(await at.remote());
    expect((await at.mirrored()).map(({ id }) => id)).toContain(far.id);
    expect((await brake()).held).toBeNull();
  });

  describe('of what cannot be read', () => {
    const items = async () => (await at.hub.quarantine.store.list({ ...at.ids, after: null, limit: 500 }))!;
    const ref = (id: string) => ({ ...at.ids, id });

    it('complaint 17, scenario 40: a poison item is put aside, the rest goes on, and nothing is deleted', async () => {
      const [bad, good] = await at.entries();
      spoil = poison([bad!.id]);
      const move = (id: string, { start, end }: { start: number; end: number }) =>
        at.edit({ action: 'move', id, start, end });
      await move(bad!.id, ownTime(50));
      await move(good!.id, ownTime(51));
      await at.pull();
      const mirrored = new Map((await at.mirrored()).map(({ id, start }) => [id, start]));
      expect([mirrored.get(bad!.id), mirrored.get(good!.id)]).toEqual([bad!.start, ownTime(51).start]);
      const [item, ...more] = await items();
      expect(more).toEqual([]);
      expect(item).toMatchObject({ remoteId: bad!.id, reason: 'no start', dismissed: false });
      expect(await at.events()).toContain('object-quarantined');
      expect(await at.pull('full')).toBe('done');
      expect(await at.mirrored()).toHaveLength(30);
      expect((await at.events()).filter((type) => type === 'object-quarantined')).toHaveLength(1);
      expect(await items()).toEqual([item]);
    });

    it('complaint 17: 700 of them do not stop the others', async () => {
      const clones: string[] = [];
      for (let n = 0; n < 700; n += 1) clones.push((await at.edit({ action: 'create', entry: ownTime(60) })).id);
      const { id } = await at.edit({ action: 'create', entry: ownTime(61) });
      spoil = poison(clones);
      await at.pull();
      expect(await items()).toHaveLength(500);
      expect((await at.mirrored()).map((known) => known.id)).toContain(id);
    });

    it('takes the time that can be told of it, new or moved, until it can be read', async () => {
      const { id } = await at.edit({ action: 'create', entry: ownTime(70) });
      const taken = async () => {
        const text = `SELECT lower(c.during) AS start FROM claim c JOIN mirror m ON m.organization_id = c.organization_id AND m.id = c.holder
          WHERE m.remote_id = $1 AND m.gone_at IS NULL ORDER BY 1`;
        return (await at.sql<{ start: Date }>(text, [id])).map(({ start }) => start.getTime());
      };
      spoil = poison([id], true);
      await at.pull();
      expect(await taken()).toEqual([ownTime(70).start]);
      const seen = await items();
      expect(seen).toMatchObject([{ remoteId: id }]);
      const before = await at.events();
      expect(await at.pull('full')).toBe('done');
      expect(await taken()).toEqual([ownTime(70).start]);
      expect(await items()).toEqual(seen);
      expect(await at.events()).toEqual(before);
      await at.edit({ action: 'move', id, start: ownTime(71).start, end: ownTime(71).end });
      await at.pull();
      expect(await taken()).toEqual([ownTime(70).start, ownTime(71).start]);
      spoil = (one) => one;
      expect(await at.hub.quarantine.retry(at.ids.organizationId, at.practice.agenda)).toBe('done');
      expect(await taken()).toEqual([ownTime(71).start]);
      expect(await items()).toEqual([]);
      await at.edit({ action: 'delete', id });
      await at.pull();
      expect(await taken()).toEqual([]);
    });

    it('what was received is kept sealed, shown on request, and that is on record', async () => {
      const [bad] = await at.entries();
      spoil = poison([bad!.id]);
      await at.pull('full');
      const [item] = await items();
      const [row] = await at.sql<{ raw_sealed: Buffer }>('SELECT raw_sealed FROM quarantine WHERE id = $1', [item!.id]);
      expect(row?.raw_sealed.toString('latin1')).not.toContain('Durand');
      expect(await at.hub.quarantine.store.raw(ref(item!.id), actor())).toBe('RAW Durand');
      expect((await at.events()).at(-1)).toBe('quarantine-read');
    });

    it('scenario 40: what is dismissed stays so until it changes; what can be read again leaves', async () => {
      const [bad] = await at.entries();
      spoil = poison([bad!.id]);
      await at.pull('full');
      const [item] = await items();
      expect(await at.hub.quarantine.store.dismiss(ref(item!.id), actor())).toBe(true);
      await at.pull('full');
      expect(await items()).toEqual([]);
      await at.edit({ action: 'retitle', id: bad!.id, title: 'Autre' });
      await at.pull();
      expect(await items()).toMatchObject([{ id: item!.id, dismissed: false }]);
      spoil = (one) => one;
      expect(await at.hub.quarantine.retry(at.ids.organizationId, at.practice.agenda)).toBe('done');
      expect(await items()).toEqual([]);
      expect(await at.hub.quarantine.store.get(ref(item!.id))).toBeNull();
    });
  });
});
