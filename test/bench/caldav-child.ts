import { newId, Vault, type Actor } from '#application';
import { linkAgenda, openHub } from '../support/hub.js';

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

export type Step = 'full' | 'sync' | 'push';

export interface StepDone {
  readonly seconds: number;
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

const steps: Record<Step, () => Promise<unknown>> = {
  full: () => hub.lanes.run({ ...lane, sync: 'full' }),
  sync: () => hub.lanes.run({ ...lane, sync: 'delta' }),
  push,
};

process.on('message', (step: Step | 'end') => {
  if (step === 'end') {
    void hub.close().then(() => process.exit(0));
    return;
  }
  const from = performance.now();
  steps[step]().then(
    () =>
      process.send?.({
        seconds: (performance.now() - from) / 1000,
        peakMb: process.resourceUsage().maxRSS / 1000,
      } satisfies StepDone),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.send?.('ready');
