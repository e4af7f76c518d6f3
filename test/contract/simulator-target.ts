import type { Connector } from '#connector-sdk';
import type { Interval } from '#domain';
import type { Backdoor, BackdoorEntry, FaultName, Harness, HazardName, Target } from '#connector-testkit';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { DavProxy } from '../support/dav-proxy.js';
import { armOnTheWay, ON_THE_WAY, type IsWrite } from './hazards.js';

const WRITES = ['POST', 'PUT', 'PATCH', 'DELETE'];
const eachWrite = (kind: string): readonly object[] => WRITES.map((method) => ({ kind, method, times: 1 }));

/** What each fault of the kit is called by the control of every simulator. */
const FAULTS: Readonly<Record<FaultName, readonly object[]>> = {
  unauthorized: [{ kind: 'error', status: 401 }],
  forbidden: [{ kind: 'error', status: 403 }],
  'rate-limited': [{ kind: 'rate-limit', retryAfterSeconds: 3 }],
  'server-error': [{ kind: 'error', status: 503, after: true }],
  html: [{ kind: 'html' }],
  torn: [{ kind: 'torn' }],
  reset: [{ kind: 'reset' }],
  hang: [{ kind: 'hang' }],
  'drop-after-commit': eachWrite('drop-after-commit'),
  'hang-after-commit': eachWrite('hang-after-commit'),
  'lose-write': [{ kind: 'lose-write', times: 1 }],
  'small-pages': [{ kind: 'partial-page' }],
  'push-duplicate': [{ kind: 'push-duplicate' }],
};

/** Where a simulator is reached. */
export interface Origins {
  /** Through the relay, which hazards act on: `http://127.0.0.1:1234/<vendor>`. */
  readonly relayed: string;
  /** Past the relay, for what hazards must not count (a token endpoint). */
  readonly direct: string;
}

/** `POST` and `DELETE` below `/<vendor>/__control`; throws at a refusal. */
export type Control = (method: string, path: string, body?: object) => Promise<Record<string, unknown>>;

/** What a simulator's control says of an entry. */
export interface Dumped {
  readonly id: string;
  readonly agendaId: string;
  readonly start: number;
  readonly end: number;
  readonly title: string;
  readonly deleted: boolean;
}

/** How one connector stands before its simulator; everything that all have in common is left out. */
export interface SimulatedVendor {
  readonly connector: Connector;
  /** Name under which the simulator lives. */
  readonly vendor: string;
  readonly settings: (origins: Origins) => unknown;
  readonly secrets: (origins: Origins) => unknown;
  readonly wrongSecrets: (origins: Origins) => unknown;
  /** As the connector names it. */
  readonly agendaId: string;
  /** As control names it; left out: the same. */
  readonly diaryAgendaId?: string;
  readonly unknownAgendaId: string;
  /** What `POST seed` gets before each case: one empty agenda. */
  readonly seed: object;
  /** Of the faults that every simulator has: those that here are something else, or `null` = cannot be. */
  readonly faults?: Partial<Record<FaultName, readonly object[] | null>>;
  /** Hazards beyond those on the way. */
  readonly hazards?: readonly Extract<HazardName, 'push-reorder'>[];
  /** Which answer of a complete listing breaks off, counted from 1. */
  readonly brokenPart: number;
  /** Where the method does not tell what is a write. */
  readonly isWrite?: IsWrite;
  /** Makes cursors useless; left out: none can be. */
  readonly expireCursors?: (control: Control) => Promise<unknown>;
  /** Stores what cannot be read; left out: nothing can be. */
  readonly putUnreadable?: (control: Control) => Promise<{ readonly remoteId: string }>;
  /** Opens these hours alone to the secretariat; needed where the backend has rules of its own. */
  readonly openOnly?: (control: Control, openings: readonly Interval[]) => Promise<unknown>;
  /** Accepts or refuses a request, by the simulator's id; left out: nothing is asked for here. */
  readonly answer?: (control: Control, how: 'accept' | 'decline', id: string) => Promise<unknown>;
  readonly listsVersions?: boolean;
  readonly manyEntries: number;
  /** Where the connector's ids are not the simulator's. */
  readonly remoteId?: (entry: Dumped) => string;
  readonly entryId?: (remoteId: string) => string;
  /** Where control is not the common one. */
  readonly backdoor?: (control: Control) => Backdoor;
}

/** A connector before its simulator, as the kit wants it. */
export function simulatorTarget(vendor: SimulatedVendor): Target {
  const names = Object.keys(FAULTS) as FaultName[];
  return {
    connector: vendor.connector,
    faults: names.filter((name) => vendor.faults?.[name] !== null),
    hazards: [...ON_THE_WAY, ...(vendor.hazards ?? [])],
    unreadables: vendor.putUnreadable !== undefined,
    expiresCursors: vendor.expireCursors !== undefined,
    listsVersions: vendor.listsVersions ?? false,
    manyEntries: vendor.manyEntries,
    start: () => start(vendor),
  };
}

/** Steers the simulator of one vendor. */
export function controlOf(origin: string, vendor: string): Control {
  return async (method, path, body) => {
    const answer = await fetch(`${origin}/${vendor}/__control/${path}`, {
      method,
      ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
    });
    if (!answer.ok) throw new Error(`control ${path} answered ${String(answer.status)}: ${await answer.text()}`);
    return (await answer.json()) as Record<string, unknown>;
  };
}

async function start(vendor: SimulatedVendor): Promise<Harness> {
  const app = createMockVendors();
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  const proxy = await DavProxy.start(origin);
  const control = controlOf(origin, vendor.vendor);
  const origins = { relayed: `${proxy.url}${vendor.vendor}`, direct: `${origin}/${vendor.vendor}` };
  return {
    settings: vendor.settings(origins),
    secrets: vendor.secrets(origins),
    wrongSecrets: vendor.wrongSecrets(origins),
    agendaId: vendor.agendaId,
    unknownAgendaId: vendor.unknownAgendaId,
    remote: (vendor.backdoor ?? ((it) => backdoor(it, vendor)))(control),
    async reset() {
      proxy.interfere = () => undefined;
      await control('POST', 'reset');
      await control('POST', 'seed', vendor.seed);
    },
    async fault(name) {
      await control('POST', 'faults', { faults: vendor.faults?.[name] ?? FAULTS[name] });
    },
    async hazard(name) {
      if (name === 'push-reorder') await control('POST', 'faults', { faults: [{ kind: name, times: 1 }] });
      else armOnTheWay(proxy, name, vendor.brokenPart, vendor.isWrite);
    },
    async clearFaults() {
      proxy.interfere = () => undefined;
      await control('DELETE', 'faults');
    },
    async openOnly(openings) {
      await vendor.openOnly?.(control, openings);
    },
    async expireCursors() {
      if (vendor.expireCursors === undefined) throw new Error('no cursor here could expire');
      await vendor.expireCursors(control);
    },
    async stop() {
      await proxy.stop();
      await app.close();
    },
  };
}

/** The practitioner's own hand, by the simulator's control. */
function backdoor(control: Control, vendor: SimulatedVendor): Backdoor {
  const { agendaId, answer, putUnreadable } = vendor;
  const diaryAgendaId = vendor.diaryAgendaId ?? agendaId;
  const remoteId = vendor.remoteId ?? (({ id }: Dumped) => id);
  const entryId = vendor.entryId ?? ((id: string) => id);
  const edit = async (body: object): Promise<Dumped> =>
    (await control('POST', 'edit', { agendaId: diaryAgendaId, ...body }))['entry'] as Dumped;
  return {
    put: async ({ start, end, title }) => ({
      remoteId: remoteId(await edit({ action: 'create', entry: { start, end, title } })),
    }),
    async move(id, { start, end }) {
      await edit({ action: 'move', id: entryId(id), start, end });
    },
    async remove(id) {
      await edit({ action: 'delete', id: entryId(id) });
    },
    ...(answer && {
      accept: async (id: string) => void (await answer(control, 'accept', entryId(id))),
      decline: async (id: string) => void (await answer(control, 'decline', entryId(id))),
    }),
    ...(putUnreadable ? { putUnreadable: () => putUnreadable(control) } : {}),
    async list(): Promise<BackdoorEntry[]> {
      const { entries } = (await control('GET', 'dump')) as { entries: Dumped[] };
      return entries
        .filter((entry) => !entry.deleted && entry.agendaId === diaryAgendaId)
        .map((entry) => ({ remoteId: remoteId(entry), start: entry.start, end: entry.end, title: entry.title }));
    },
  };
}
