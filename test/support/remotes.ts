import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { CalendarApplication } from './caldav-client.js';
import type { CalendarAccess } from './debian-caldav.js';
import { DavProxy, type Interference, type Interferer } from './dav-proxy.js';
import type { RemoteAccount } from './hub.js';
import { RadicaleServer } from './radicale.js';

/** What the practitioner's tool shows. Epoch milliseconds, `[start, end)`. */
export interface RemoteEntry {
  readonly id: string;
  readonly start: number;
  readonly end: number;
  readonly title: string;
  /** The appointment it was written for; `null` for the practitioner's own. */
  readonly appointmentId: string | null;
}

export type RemoteWrite = 'create' | 'update' | 'cancel';

/** One practitioner's agenda at a backend, from his side, and what can go wrong on the way to it. */
export interface RemoteAgenda {
  readonly account: RemoteAccount;
  entries(): Promise<RemoteEntry[]>;
  create(entry: { start: number; end: number; title: string; reference?: string | null }): Promise<string>;
  move(id: string, start: number, end: number): Promise<void>;
  retitle(id: string, title: string): Promise<void>;
  remove(id: string): Promise<void>;
  /** The next write of this kind is carried out, and its answer lost. */
  loseAnswer(write: RemoteWrite): Promise<void>;
  /** The next write of this kind gets lost on its way. */
  loseRequest(write: RemoteWrite): Promise<void>;
  /** The next read is answered with an error. */
  failRead(): Promise<void>;
  close(): Promise<void>;
}

/** An agenda in the simulator, which counts what changes in it. */
export interface InHouseAgenda extends RemoteAgenda {
  changes(): Promise<number>;
  /** Steers the simulator: `faults`, `expire-cursors`; and shows its `requests`. */
  control(path: string, body?: object | null, method?: 'GET' | 'POST' | 'DELETE'): Promise<unknown>;
}

const REFERENCE = /([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-\d+/;
const appointmentIn = (text: string | null): string | null =>
  text === null ? null : (REFERENCE.exec(text)?.[1] ?? null);

const IN_HOUSE_METHODS: Readonly<Record<RemoteWrite, string>> = { create: 'POST', update: 'PATCH', cancel: 'DELETE' };
const DAV_METHODS: Readonly<Record<RemoteWrite, string>> = { create: 'PUT', update: 'PUT', cancel: 'DELETE' };
const API_KEY = 'chaos-in-house-key-0123456789';
const AGENDA = 'agenda-1';

/** An agenda in a simulator, which refuses overlaps. `origin`: of one that runs already; else one of its own, in this process. */
export async function openInHouse(agendaId = AGENDA, origin?: string): Promise<InHouseAgenda> {
  const vendors = origin === undefined ? createMockVendors() : null;
  const at = origin ?? (await vendors!.listen({ host: '127.0.0.1', port: 0 }));
  const control = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const answer = await fetch(`${at}/in-house/__control/${path}`, {
      method,
      ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const edit = async (body: object): Promise<string> => {
    const { entry } = await control<{ entry: { id: string } | null }>('POST', 'edit', { agendaId, ...body });
    return entry?.id ?? '';
  };
  const fault = async (body: object): Promise<void> => {
    await control('POST', 'faults', { faults: [{ times: 1, ...body }] });
  };
  await control('POST', 'seed', {
    agendas: [{ id: agendaId, name: 'Dr Martin', zone: 'Europe/Paris', apiKey: API_KEY }],
  });
  return {
    account: {
      connectorId: 'in-house',
      settings: { baseUrl: `${at}/in-house/api` },
      secrets: { apiKey: API_KEY },
      remoteAgendaId: agendaId,
    },
    entries: async () => {
      const { entries } = await control<{
        entries: (RemoteEntry & { agendaId: string; deleted: boolean; reference: string | null })[];
      }>('GET', 'dump');
      const live = entries.filter((entry) => entry.agendaId === agendaId && !entry.deleted);
      return live.map(({ id, start, end, title, reference }) => ({
        id,
        start,
        end,
        title,
        appointmentId: appointmentIn(reference),
      }));
    },
    changes: async () => (await control<{ seq: number }>('GET', 'dump')).seq,
    create: (entry) => edit({ action: 'create', entry }),
    move: async (id, start, end) => void (await edit({ action: 'move', id, start, end })),
    retitle: async (id, title) => void (await edit({ action: 'retitle', id, title })),
    remove: async (id) => void (await edit({ action: 'delete', id })),
    loseAnswer: (write) => fault({ kind: 'drop-after-commit', method: IN_HOUSE_METHODS[write], route: '/agendas/' }),
    loseRequest: (write) => fault({ kind: 'reset', method: IN_HOUSE_METHODS[write], route: '/agendas/' }),
    failRead: () => fault({ kind: 'error', status: 503, method: 'GET', route: '/agendas/' }),
    close: async () => void (await vendors?.close()),
    control: (path, body, method = 'POST') => control(method, path, body ?? undefined),
  };
}

/** What goes wrong at a simulator from now on. */
export interface Trouble {
  /** How often it went wrong so far. */
  count(): Promise<number>;
  end(): Promise<void>;
}

/** From now on this share of all writes at a simulator is carried out, and its answer lost. */
export const loseAnswers = (origin: string, share: number): Promise<Trouble> => makeTrouble(origin, lostAnswers(share));

/** From now on everything that can go wrong does: `faults` is the share of requests, `pushes` of pushes lost, doubled or late. */
export const makeEveryTrouble = (origin: string, shares: { faults: number; pushes: number }): Promise<Trouble> =>
  makeTrouble(origin, [
    ...lostAnswers(shares.faults),
    { kind: 'error', status: 503, route: '/agendas/', probability: shares.faults / 2 },
    { kind: 'reset', route: '/agendas/', probability: shares.faults / 2 },
    ...['push-lose', 'push-duplicate', 'push-reorder'].map((kind) => ({ kind, probability: shares.pushes })),
  ]);

const lostAnswers = (share: number): object[] =>
  Object.values(IN_HOUSE_METHODS).map((method) => ({
    kind: 'drop-after-commit',
    method,
    route: '/agendas/',
    probability: share,
  }));

async function makeTrouble(origin: string, faults: object[]): Promise<Trouble> {
  const url = `${origin}/in-house/__control/faults`;
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ faults }),
  });
  if (!answer.ok) throw new Error(`faults: ${answer.status}`);
  return {
    count: async () => {
      const armed = (await (await fetch(url)).json()) as { faults: { fired: number }[] };
      return armed.faults.reduce((sum, { fired }) => sum + fired, 0);
    },
    end: async () => void (await fetch(url, { method: 'DELETE' })),
  };
}

const USER = 'martin';
const PASSWORD = 'mot de passe';

/** A Radicale for a whole test file; every agenda is a calendar on it. */
export const startRadicale = (): Promise<RadicaleServer> => RadicaleServer.start({ [USER]: PASSWORD });

let calendars = 0;

export interface RemoteCalendar extends RemoteAgenda {
  /** The calendar as its owner reaches it, past the relay. */
  readonly access: CalendarAccess;
  /** From now on decides what becomes of each of the hub's requests. */
  interfere(interferer: Interferer): void;
}

/** A calendar on Radicale, reached by the hub through a relay that can lose things. */
export async function openCalendar(server: RadicaleServer): Promise<RemoteCalendar> {
  calendars += 1;
  const calendar = await server.makeCalendar(USER, `agenda-${calendars}`);
  const application = new CalendarApplication(server, USER, calendar);
  const proxy = await DavProxy.start(server.url);
  const once = (applies: (method: string) => boolean, fate: Interference): void => {
    proxy.interfere = ({ method }) => {
      if (!applies(method)) return undefined;
      proxy.interfere = () => undefined;
      return fate;
    };
  };
  const auth = { type: 'basic', username: USER, password: PASSWORD };
  return {
    access: { url: server.url, user: USER, password: PASSWORD, calendar },
    interfere: (interferer) => void (proxy.interfere = interferer),
    account: { connectorId: 'caldav', settings: { url: proxy.url }, secrets: { auth }, remoteAgendaId: calendar },
    entries: async () =>
      (await application.entries()).map(({ uid, ...entry }) => ({ ...entry, appointmentId: appointmentIn(uid) })),
    create: (entry) => application.create(entry),
    move: (id, start, end) => application.move(id, start, end),
    retitle: (id, title) => application.retitle(id, title),
    remove: (id) => application.remove(id),
    loseAnswer: async (write) => once((method) => method === DAV_METHODS[write], 'drop'),
    loseRequest: async (write) => once((method) => method === DAV_METHODS[write], 'reset'),
    failRead: async () => once((method) => method === 'REPORT', { status: 503 }),
    close: () => proxy.stop(),
  };
}
