import {
  ConnectorError,
  type CallOptions,
  type CancelRequest,
  type ConnectorErrorKind,
  type CreateRequest,
  type RemoteContent,
  type UpdateRequest,
} from '#connector-sdk';
import type { Interval, RemoteObject } from '#domain';
import { pending } from './errors.js';
import { isSameContent, referenceIn } from './identity.js';
import { localOf } from './local-time.js';
import { creationName, orderOf, type Order, type Orders, type Outcome } from './orders.js';
import { Reader } from './reader.js';

/** A removal of whatever stands is repeated when the practitioner changed it meanwhile. */
const TRIES = 3;

const REJECTIONS: Partial<Record<string, readonly [ConnectorErrorKind, string]>> = {
  CRENEAU_OCCUPE: ['taken', 'the interval is taken in the agenda'],
  PERIME: ['stale', 'the visit stands elsewhere by now'],
  INCONNU: ['not_found', 'the visit is gone'],
  AGENDA_INCONNU: ['forbidden', 'the program takes no orders for this agenda'],
  SIGNATURE: ['auth', 'the program does not accept the signature: is the signing key the same there?'],
};

type Answered = Extract<Outcome, { readonly code: string }>;

/** An order that the program has answered. */
interface Carried {
  readonly agendaId: string;
  readonly reference: string;
  readonly order: Order;
  readonly outcome: Answered;
}

/** Orders to the program, each believed only once an export shows what it did. */
export class Writer {
  readonly #reader: Reader;
  readonly #orders: Orders;
  readonly #zone: string;

  constructor(reader: Reader, orders: Orders, zone: string) {
    this.#reader = reader;
    this.#orders = orders;
    this.#zone = zone;
  }

  async create({ agendaId, reference, content }: CreateRequest, options: CallOptions): Promise<RemoteObject> {
    const columns = ['CREER', reference, ...this.#times(content), content.summary];
    const order = orderOf(agendaId, columns, creationName(reference));
    const { outcome, isFirst } = await this.#placed(order, options);
    const isMade = outcome.kind === 'done' || outcome.code === 'DOUBLON';
    if (!isMade) throw await this.#refusal(order, outcome, options);
    const object = await this.#shown({ agendaId, reference, order, outcome }, options);
    if (object !== null) return object;
    if (outcome.kind === 'done' && isFirst) throw unproven();
    throw new ConnectorError('stale', 'the visit made under this reference was deleted');
  }

  async update(request: UpdateRequest, options: CallOptions): Promise<RemoteObject> {
    const { agendaId, remoteId, version, content } = request;
    const reference = ownReference(remoteId);
    const snapshot = await this.#reader.snapshot(agendaId, null, options);
    const before = Reader.own(snapshot, reference);
    if (before?.when == null) throw new ConnectorError('not_found', 'the visit is gone');
    if (version !== null && !isSameContent(version, before.version ?? '')) throw stale();
    const columns = ['MODIFIER', reference, ...this.#times(before.when), ...this.#times(content), content.summary];
    const order = orderOf(agendaId, columns);
    const { outcome, isFirst } = await this.#placed(order, options);
    if (outcome.kind !== 'done') throw await this.#refusal(order, outcome, options);
    const after = await this.#shown({ agendaId, reference, order, outcome }, options);
    if (after === null) throw unproven();
    // The answer was one to the same order given before, and is taken away by now.
    if (!isFirst && after.when?.start !== content.start) return this.update(request, options);
    return after;
  }

  async cancel({ agendaId, reference, remoteId, version }: CancelRequest, options: CallOptions): Promise<void> {
    const named = remoteId === null ? reference : ownReference(remoteId);
    for (let tries = 1; ; tries += 1) {
      try {
        if (await this.#isRemoved(agendaId, { reference: named, version }, options)) return;
        if (tries === TRIES) throw new ConnectorError('unknown', 'the visit is still there after its removal');
      } catch (error) {
        const again = ConnectorError.is(error) && error.kind === 'stale' && version === null && tries < TRIES;
        if (!again) throw error;
      }
    }
  }

  /** Throws while the program has not said, or not shown, what it did with an order of this reference. */
  async find(agendaId: string, reference: string, options: CallOptions): Promise<RemoteObject | null> {
    const state = await this.#orders.state(creationName(reference), options);
    const snapshot = await this.#reader.snapshot(agendaId, null, options);
    const found = Reader.own(snapshot, reference);
    if (found !== null) return found;
    if (state.kind === 'pending') throw pending('unavailable', 'the program has not taken up the order yet');
    if (state.kind === 'done' && state.visibleFrom > snapshot.number)
      throw pending('unavailable', 'the program has not exported yet what it did');
    return null;
  }

  /** False when an earlier removal of the same visit was answered, and it stands again. */
  async #isRemoved(
    agendaId: string,
    { reference, version }: { readonly reference: string; readonly version: string | null },
    options: CallOptions,
  ): Promise<boolean> {
    const before = await this.find(agendaId, reference, options);
    if (before?.when == null) return true;
    if (version !== null && !isSameContent(version, before.version ?? '')) throw stale();
    const order = orderOf(agendaId, ['ANNULER', reference, ...this.#times(before.when)]);
    const { outcome, isFirst } = await this.#placed(order, options);
    const isDone = outcome.kind === 'done' || outcome.code === 'INCONNU';
    if (!isDone) throw await this.#refusal(order, outcome, options);
    if ((await this.#shown({ agendaId, reference, order, outcome }, options)) === null) return true;
    if (isFirst) throw new ConnectorError('unknown', 'the visit is still there after its removal');
    return false;
  }

  async #placed(
    order: Order,
    options: CallOptions,
  ): Promise<{ readonly outcome: Answered; readonly isFirst: boolean }> {
    const { outcome, isFirst } = await this.#orders.place(order, options);
    if (outcome.kind === 'pending' || outcome.kind === 'none')
      throw pending('unknown', 'the program has not taken up the order yet');
    return { outcome, isFirst };
  }

  /** What the export shows that was made after the order was carried out; the program's answer is taken away then. */
  async #shown({ agendaId, reference, order, outcome }: Carried, options: CallOptions): Promise<RemoteObject | null> {
    const from = outcome.visibleFrom;
    const look = () => this.#reader.snapshot(agendaId, null, options);
    try {
      const snapshot = await this.#orders.within(options, look, ({ number }) => number >= from);
      if (snapshot.number < from) throw pending('unknown', 'the program has not exported yet what it did');
      await this.#orders.settle(order.name, options);
      return Reader.own(snapshot, reference);
    } catch (error) {
      if (ConnectorError.is(error) && error.kind === 'unknown') throw error;
      const wait = ConnectorError.is(error) ? { retryAfterMs: error.retryAfterMs } : {};
      throw new ConnectorError('unknown', 'the order was carried out but could not be read back', {
        cause: error,
        ...wait,
      });
    }
  }

  async #refusal(order: Order, { code }: Answered, options: CallOptions): Promise<ConnectorError> {
    await this.#orders.settle(order.name, options);
    const [kind, said] = REJECTIONS[code] ?? ['invalid', 'the program refused the order'];
    return new ConnectorError(kind, said);
  }

  /** Four columns: date and time of both ends. */
  #times({ start, end }: Interval | RemoteContent): string[] {
    if (end <= start) throw new ConnectorError('invalid', 'a visit must have a length');
    return [...localOf(start, this.#zone), ...localOf(end, this.#zone)];
  }
}

function ownReference(remoteId: string): string {
  const reference = referenceIn(remoteId);
  if (reference === null)
    throw new ConnectorError('forbidden', 'only visits that were booked here can be changed here');
  return reference;
}

function stale(): ConnectorError {
  return new ConnectorError('stale', 'the visit is another by now');
}

function unproven(): ConnectorError {
  return new ConnectorError('unknown', 'the program said that it did it, and does not show it');
}
