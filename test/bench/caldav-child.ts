import { newId, pullWindow, Vault, type Actor } from '#application';
import { connectors } from '#connectors';
import { linkAgenda, openHub } from '../support/hub.js';
import { residentPeakMb } from './measure.js';

/** What the parent asks of a hub that does nothing else, so that its memory is the synchronisation's. */
export interface ChildSetup {
  readonly url: string;
  readonly practice: {
    readonly organization: string;
    readonly collaborator: string;
    readonly agenda: string;
    readonly motif: string;
  };
  readonly account: { readonly settings: object; readonly secrets: object; readonly remoteAgendaId: string };
  /** How many bookings are pushed. */
  readonly pushes: number;
}

export type Step = 'full' | 'learn' | 'sync' | 'push' | 'read';

export interface StepDone {
  readonly seconds: number;
  /** Of all threads of this process. */
  readonly cpuSeconds: number;
  /** Highest resident memory so far, in MB. */
  readonly peakMb: number;
}

/** Keeps Nest, which the platform's vault brings along, out of the memory that is measured. */
class OpenVault extends Vault {
  async seal(_organization: string, _place: unknown, plain: Buffer): Promise<Buffer> {
    return plain;
  }

  async sealApart(_organization: string, _place: unknown, plain: Buffer): Promise<Buffer> {
    return plain;
  }

  async open(_organization: string, _place: unknown, sealed: Buffer): Promise<Buffer> {
    return sealed;
  }

  async fingerprint(): Promise<Buffer> {
    return Buffer.alloc(32);
  }

  async renew(): Promise<void> {
    await Promise.resolve();
  }
}

const connector = connectors.get('caldav')!;
const setup = JSON.parse(process.argv[2] ?? '{}') as ChildSetup;
const { practice } = setup;
const lane = { organizationId: practice.organization, agendaId: practice.agenda };
const hub = await openHub({ url: setup.url, poolSize: 4, timeoutMs: 60_000, vault: new OpenVault() });
await hub.housekeeping.extendOpenings(practice.organization, practice.agenda);
await linkAgenda(hub, practice, { connectorId: 'caldav', ...setup.account }, { sync: false });

async function push(): Promise<void> {
  const actor: Extract<Actor, { kind: 'collaborator' }> = {
    kind: 'collaborator',
    id: practice.collaborator,
    key: newId(),
  };
  const request = {
    organizationId: practice.organization,
    agendaId: practice.agenda,
    motifId: practice.motif,
    actor,
    key: null,
    waitMs: 0,
  };
  const free = await hub.search.next({
    ...request,
    agendaIds: [practice.agenda],
    from: Date.now(),
    limit: setup.pushes,
  });
  for (const { start } of free?.slots ?? []) {
    const answer = await hub.booking.book({
      ...request,
      id: newId(),
      start,
      patient: { lastName: 'Durand', firstName: 'Zoé' },
    });
    if (answer.outcome !== 'booked') throw new Error(`a booking was refused: ${answer.problem} ${answer.code ?? ''}`);
  }
  for (let tries = 0; tries < 200; tries += 1) {
    if ((await hub.lanes.run({ ...lane, sync: 'none' })) === 'done') return;
  }
  throw new Error('the pushes did not end');
}

/** Everything, understood as the hub needs it, and kept nowhere. */
async function read(): Promise<void> {
  const { settings, secrets, remoteAgendaId: agendaId } = setup.account;
  const context = { timeoutMs: 60_000, allowPrivateNetworks: true, now: () => Date.now() };
  const account = {
    settings: connector.config.settings.parse(settings),
    secrets: connector.config.secrets.parse(secrets),
  };
  const session = connector.open(account, context);
  const range = { agendaId, window: pullWindow(Date.now()), timeZone: 'Europe/Paris', cursor: null };
  const known = (): Promise<ReadonlyMap<string, string | null>> => Promise.resolve(new Map());
  for await (const item of session.pull({ ...range, known }, { signal: AbortSignal.timeout(600_000) })) void item;
  session.close();
}

const steps: Record<Step, () => Promise<unknown>> = {
  // The first read after it finds out how the calendar behaves, once.
  full: () => hub.lanes.run({ ...lane, sync: 'full', awaited: true }),
  learn: () => hub.lanes.run({ ...lane, sync: 'delta' }),
  sync: () => hub.lanes.run({ ...lane, sync: 'delta' }),
  push,
  read,
};

process.on('message', (step: Step | 'end') => {
  if (step === 'end') {
    void hub.close().then(() => process.exit(0));
    return;
  }
  const from = performance.now();
  const before = process.cpuUsage();
  steps[step]().then(
    () => {
      const { user, system } = process.cpuUsage(before);
      process.send?.({
        seconds: (performance.now() - from) / 1000,
        cpuSeconds: (user + system) / 1e6,
        peakMb: residentPeakMb(),
      } satisfies StepDone);
    },
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.send?.('ready');
