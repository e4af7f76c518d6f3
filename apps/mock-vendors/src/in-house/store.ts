import { createHash, randomUUID } from 'node:crypto';
import { Refusal } from '../core/refusal.js';
import type { Agenda, Entry, EntryChange, NewEntry, Subscription } from './model.js';

/** Who writes: the practitioner at his own screen, who may force an overlap, or a caller of the API, who may not. */
export interface Writer {
  readonly author: Entry['author'];
  readonly force?: boolean;
}

/** An interval that is kept for one reference for a while. */
interface Lease {
  readonly agendaId: string;
  readonly reference: string;
  readonly start: number;
  readonly end: number;
  readonly until: number;
}

interface SpentKey {
  readonly entryId: string;
  readonly fingerprint: string;
}

/** All that the agenda software keeps; can be written to a file and read back. */
export interface Snapshot {
  readonly agendas: readonly Agenda[];
  readonly entries: readonly Entry[];
  readonly keys: readonly (readonly [string, SpentKey])[];
  readonly subscriptions: readonly Subscription[];
  readonly seq: number;
  readonly floors: readonly (readonly [string, number])[];
}

const SUBSCRIPTION_MS = 24 * 3_600_000;
const LEASE_MS = 60_000;

/** The agendas and their change log. Every method is one atomic step. */
export class AgendaStore {
  #agendas = new Map<string, Agenda>();
  #entries = new Map<string, Entry>();
  #keys = new Map<string, SpentKey>();
  #subscriptions = new Map<string, Subscription>();
  /** By agenda and reference; not kept on disk: they end sooner than anybody starts anew. */
  readonly #leases = new Map<string, Lease>();
  /** Starts at the clock, so that a cursor of an earlier life is older than every floor. */
  #seq: number;
  /** Oldest cursor that still works, by agenda. */
  #floors = new Map<string, number>();
  readonly #now: () => number;
  /** Called after each committed change. */
  onChange: (entry: Entry) => void = () => undefined;

  constructor(now: () => number) {
    this.#now = now;
    this.#seq = now();
  }

  reset(): void {
    this.#agendas.clear();
    this.#entries.clear();
    this.#keys.clear();
    this.#subscriptions.clear();
    this.#leases.clear();
    this.#floors.clear();
    this.#seq += 1;
  }

  /** Makes the agenda, or renames it; its entries stay. */
  putAgenda(agenda: Agenda): void {
    if (!this.#agendas.has(agenda.id)) this.#floors.set(agenda.id, this.#seq);
    this.#agendas.set(agenda.id, agenda);
  }

  agendas(): readonly Agenda[] {
    return [...this.#agendas.values()];
  }

  agenda(id: string): Agenda {
    const agenda = this.#agendas.get(id);
    if (!agenda) throw new Refusal(404, 'agenda_unknown');
    return agenda;
  }

  entry(agendaId: string, id: string): Entry {
    const entry = this.#entries.get(id);
    if (!entry || entry.deleted || entry.agendaId !== agendaId) throw new Refusal(404, 'entry_unknown');
    return entry;
  }

  /** Living entries in id order, an order that no edit changes: a page boundary can then lose nothing. */
  live(agendaId: string): Entry[] {
    return [...this.#entries.values()]
      .filter((entry) => entry.agendaId === agendaId && !entry.deleted)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  seq(): number {
    return this.#seq;
  }

  /** Latest state of everything that changed after `after`, oldest change first. */
  changes(agendaId: string, after: number): Entry[] {
    if (after < (this.#floors.get(agendaId) ?? 0) || after > this.#seq) throw new Refusal(410, 'cursor_expired');
    return [...this.#entries.values()]
      .filter((entry) => entry.agendaId === agendaId && entry.seq > after)
      .sort((a, b) => a.seq - b.seq);
  }

  /** Makes every cursor given so far useless. */
  expireCursors(agendaId: string): void {
    this.#seq += 1;
    this.#floors.set(agendaId, this.#seq);
  }

  create(agendaId: string, input: NewEntry, writer: Writer, key?: string): { entry: Entry; replayed: boolean } {
    const fingerprint = createHash('sha256').update(JSON.stringify(input)).digest('hex');
    const spent = key === undefined ? undefined : this.#keys.get(`${agendaId} ${key}`);
    if (spent) return { entry: this.#replay(spent, fingerprint), replayed: true };
    if (writer.author !== 'practitioner') this.#refuseClosed(agendaId, input);
    if (!writer.force) this.#refuseOverlap({ ...input, agendaId });
    if (input.reference !== null) this.#leases.delete(`${agendaId} ${input.reference}`);
    const entry = this.#commit({ ...input, agendaId, id: randomUUID(), version: 0, deleted: false }, writer);
    if (key !== undefined) this.#keys.set(`${agendaId} ${key}`, { entryId: entry.id, fingerprint });
    return { entry, replayed: false };
  }

  /** `version` null = whatever stands. */
  update(entry: Entry, change: EntryChange, version: number | null, writer: Writer): Entry {
    requireVersion(entry, version);
    const start = change.start ?? entry.start;
    const end = change.end ?? entry.end;
    if (start >= end) throw new Refusal(422, 'invalid');
    const moved = start !== entry.start || end !== entry.end;
    if (moved && writer.author !== 'practitioner') this.#refuseClosed(entry.agendaId, { start, end });
    if (moved && !writer.force) this.#refuseOverlap({ ...entry, start, end });
    return this.#commit({ ...entry, start, end, title: change.title ?? entry.title }, writer);
  }

  remove(entry: Entry, version: number | null, writer: Writer): void {
    requireVersion(entry, version);
    this.#commit({ ...entry, deleted: true }, writer);
  }

  /** Keeps an interval for the entry of a reference; asked again, from now on and where it is said then. */
  lease(agendaId: string, reference: string, when: { readonly start: number; readonly end: number }): Lease {
    const wanted = { ...when, agendaId, reference };
    this.#refuseClosed(agendaId, when);
    this.#refuseOverlap(wanted);
    const lease = { ...wanted, until: this.#now() + LEASE_MS };
    this.#leases.set(`${agendaId} ${reference}`, lease);
    return lease;
  }

  release(agendaId: string, reference: string): void {
    if (!this.#leases.delete(`${agendaId} ${reference}`)) throw new Refusal(404, 'lease_unknown');
  }

  subscribe(agendaId: string, url: string, secret: string): Subscription {
    return this.#putSubscription({ id: randomUUID(), agendaId, url, secret, expiresAt: this.#now() + SUBSCRIPTION_MS });
  }

  renew(subscription: Subscription, url: string, secret: string): Subscription {
    return this.#putSubscription({ ...subscription, url, secret, expiresAt: this.#now() + SUBSCRIPTION_MS });
  }

  subscription(id: string): Subscription {
    const found = this.#subscriptions.get(id);
    if (!found) throw new Refusal(404, 'subscription_unknown');
    return found;
  }

  unsubscribe(id: string): void {
    this.#subscriptions.delete(id);
  }

  subscribers(agendaId: string): readonly Subscription[] {
    return [...this.#subscriptions.values()].filter((one) => one.agendaId === agendaId && one.expiresAt > this.#now());
  }

  snapshot(): Snapshot {
    return {
      agendas: [...this.#agendas.values()],
      entries: [...this.#entries.values()],
      keys: [...this.#keys],
      subscriptions: [...this.#subscriptions.values()],
      seq: this.#seq,
      floors: [...this.#floors],
    };
  }

  restore(snapshot: Snapshot): void {
    this.#agendas = new Map(snapshot.agendas.map((agenda) => [agenda.id, agenda]));
    this.#entries = new Map(snapshot.entries.map((entry) => [entry.id, entry]));
    this.#keys = new Map(snapshot.keys);
    this.#subscriptions = new Map(snapshot.subscriptions.map((one) => [one.id, one]));
    this.#floors = new Map(snapshot.floors);
    this.#seq = snapshot.seq;
  }

  #putSubscription(subscription: Subscription): Subscription {
    this.#subscriptions.set(subscription.id, subscription);
    return subscription;
  }

  #replay(spent: SpentKey, fingerprint: string): Entry {
    if (spent.fingerprint !== fingerprint) throw new Refusal(422, 'key_reused');
    const entry = this.#entries.get(spent.entryId);
    if (!entry || entry.deleted) throw new Refusal(409, 'key_spent');
    return entry;
  }

  #refuseClosed(agendaId: string, { start, end }: { readonly start: number; readonly end: number }): void {
    const { openings = null } = this.agenda(agendaId).rules ?? {};
    if (openings?.every((open) => start < open.start || open.end < end)) throw new Refusal(409, 'closed');
  }

  #refuseOverlap(wanted: Pick<Lease, 'agendaId' | 'start' | 'end'> & { id?: string; reference: string | null }): void {
    const { agendaId, start, end, id, reference } = wanted;
    const entries = [...this.#entries.values()].filter((one) => !one.deleted && one.id !== id);
    const leases = [...this.#leases.values()].filter((one) => one.until > this.#now() && one.reference !== reference);
    const isInTheWay = (one: Pick<Lease, 'agendaId' | 'start' | 'end'>): boolean =>
      one.agendaId === agendaId && one.start < end && start < one.end;
    if ([...entries, ...leases].some(isInTheWay)) throw new Refusal(409, 'overlap');
  }

  #commit(content: Omit<Entry, 'seq' | 'updatedAt' | 'author'>, writer: Writer): Entry {
    this.#seq += 1;
    const entry: Entry = {
      ...content,
      version: content.version + 1,
      author: writer.author,
      updatedAt: this.#now(),
      seq: this.#seq,
    };
    this.#entries.set(entry.id, entry);
    this.onChange(entry);
    return entry;
  }
}

function requireVersion(entry: Entry, version: number | null): void {
  if (version !== null && version !== entry.version) throw new Refusal(412, 'version_mismatch');
}
