import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConnectorError, type Session } from '#connector-sdk';
import { EXCHANGE_MS, Mirror, WINDOW, type FaultName, type Harness, type Target } from '#connector-testkit';
import { seededRandom } from '../../apps/mock-vendors/src/core/random.js';
import { clicRdvTarget } from './clic-rdv-target.js';
import { libreRdvTarget } from './libre-rdv-target.js';

const HOUR = 3_600_000;
const STEPS = 160;
const FAULTS: readonly FaultName[] = ['torn', 'html', 'reset', 'server-error', 'small-pages', 'rate-limited'];
const TWICE = Date.parse('2027-10-31T01:00:00Z');
const MONDAY = Date.parse('2027-10-25T06:00:00Z');

/** One history: hands of practitioner and hub, faults between them, and a mirror that is told of it now and then. */
class History {
  readonly #random: () => number;
  readonly #mirror: Mirror;
  #bookings = 0;

  constructor(
    private readonly harness: Harness,
    private readonly session: Session,
    seed: number,
  ) {
    this.#random = seededRandom(seed);
    this.#mirror = new Mirror(session, harness.agendaId, WINDOW);
  }

  async step(): Promise<void> {
    const { harness } = this;
    const roll = this.#random();
    if (roll < 0.25) await harness.remote.put({ ...this.#hour(), title: 'Privé' }).catch(() => undefined);
    else if (roll < 0.35) await this.#onOne((id) => harness.remote.move(id, this.#hour()));
    else if (roll < 0.45) await this.#onOne((id) => harness.remote.remove(id));
    else if (roll < 0.55) await this.#onOne((id) => this.#answer(id));
    else if (roll < 0.7) await this.#hub();
    else if (roll < 0.75) await harness.fault(this.#pick(FAULTS));
    else if (roll < 0.82) await harness.clearFaults();
    else if (roll < 0.84 && harness.remote.accept) await harness.expireCursors();
    else await this.#pull();
  }

  /** What stands there, and what the mirror makes of it once nothing fails any more. */
  async settled(): Promise<{ readonly there: readonly unknown[]; readonly mirrored: readonly unknown[] }> {
    await this.harness.clearFaults();
    await this.#pull();
    const there = (await this.harness.remote.list()).map(({ remoteId, start, end }) => [remoteId, start, end]);
    const mirrored = [...this.#mirror.objects.values()]
      .filter(({ busy }) => busy.length > 0)
      .map(({ remoteId, when }) => [remoteId, when?.start, when?.end]);
    return { there: there.sort(), mirrored: mirrored.sort() };
  }

  async #pull(): Promise<void> {
    await this.#tolerant(() => this.#mirror.pull(AbortSignal.timeout(10_000)));
  }

  async #hub(): Promise<void> {
    const { agendaId } = this.harness;
    this.#bookings += 1;
    const reference = `history-${String(this.#bookings)}`;
    const content = { ...this.#hour(), timeZone: 'Europe/Paris', summary: 'DURAND Zoé' };
    const options = { signal: AbortSignal.timeout(5_000) };
    const ours = this.#pick([...this.#mirror.objects.values()].filter((object) => object.reference !== null));
    const booked = { agendaId, remoteId: ours?.remoteId ?? '', reference: ours?.reference ?? '', version: null };
    const roll = this.#random();
    await this.#tolerant(() => {
      if (ours === undefined || roll < 0.5) return this.session.create({ agendaId, reference, content }, options);
      if (roll < 0.75) return this.session.update({ ...booked, content }, options);
      return this.session.cancel(booked, options);
    });
  }

  async #answer(id: string): Promise<void> {
    const { remote } = this.harness;
    await (this.#random() < 0.7 ? remote.accept : remote.decline)?.call(remote, id);
  }

  async #onOne(act: (id: string) => Promise<unknown>): Promise<void> {
    const one = this.#pick(await this.harness.remote.list());
    // The vendor may refuse what a person tries: an overlap, an answer to what was answered.
    if (one !== undefined) await act(one.remoteId).catch(() => undefined);
  }

  async #tolerant(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!ConnectorError.is(error)) throw error;
      if (error.kind === 'cursor_expired') {
        this.#mirror.cursor = null;
        await this.#pull();
      }
    }
  }

  #hour(): { start: number; end: number } {
    const start = MONDAY + Math.floor(this.#random() * 24 * 14) * HOUR;
    // The second of two equal hours cannot be told from the first.
    return start === TWICE ? this.#hour() : { start, end: start + HOUR / 2 };
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T;
  }
}

describe.each<[string, () => Target]>([
  ['an agenda of requests', libreRdvTarget],
  ['an agenda of soft deletions', clicRdvTarget],
])('the mirror of %s, with naive times over the end of summer time', (_what, makeTarget) => {
  const target = makeTarget();
  let harness: Harness;
  beforeAll(async () => {
    harness = await target.start();
  });
  afterAll(() => harness.stop());

  it.each([1, 2, 3])('is what stands there, whatever failed on the way (seed %i)', async (seed) => {
    await harness.reset();
    const { connector } = target;
    const session = connector.open(
      {
        settings: connector.config.settings.parse(harness.settings),
        secrets: connector.config.secrets.parse(harness.secrets),
      },
      { timeoutMs: EXCHANGE_MS, allowPrivateNetworks: true, now: Date.now },
    );
    const history = new History(harness, session, seed);
    for (let step = 1; step <= STEPS; step += 1) {
      await history.step();
      if (step % 40 > 0) continue;
      const { there, mirrored } = await history.settled();
      expect(mirrored).toEqual(there);
      expect(there.length).toBeGreaterThan(0);
    }
    session.close();
  });
});
