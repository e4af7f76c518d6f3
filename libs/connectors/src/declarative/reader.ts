import { ConnectorError, type CallOptions } from '#connector-sdk';
import type { Interval } from '#domain';
import type { Client } from './client.js';
import { unlike } from './errors.js';
import { Mapping, type Entry, type Named } from './mapping.js';
import { Drifted, pages } from './pages.js';
import type { AgendaDocument } from './parts.js';
import { at } from './paths.js';

const DAY_MS = 86_400_000;
/** How often a listing that changed under the reader is begun again. */
const TRIES = 3;

/** Everything in a range, as of one moment. */
export interface Listed {
  readonly items: readonly Named[];
  /** Where the changes after this listing begin; `undefined` where the document names no cursor. */
  readonly cursor: unknown;
}

/** The reading half of a document, carried out. */
export class Reader {
  readonly mapping: Mapping;
  readonly document: AgendaDocument;
  readonly client: Client;

  constructor(document: AgendaDocument, client: Client) {
    this.document = document;
    this.client = client;
    this.mapping = new Mapping(document);
  }

  /** Lists a range completely, or throws. */
  async list(agendaId: string, range: Interval, options: CallOptions): Promise<Listed> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#listOnce(agendaId, range, options);
      } catch (error) {
        if (!(error instanceof Drifted) || tries === TRIES) throw error;
      }
    }
  }

  /** An entry by its id. Throws `not_found`, also for one whose status says that it is gone. */
  async entry(agendaId: string, id: string, options: CallOptions): Promise<Entry> {
    const item = await this.item(agendaId, id, options);
    if (item.kind === 'gone') throw new ConnectorError('not_found', 'the entry is gone');
    if (item.kind !== 'entry') throw unlike('reading.get', { write: false });
    return item.entry;
  }

  /** What the backend says of an id; `gone` when it says so by an error. */
  async item(agendaId: string, id: string, options: CallOptions): Promise<Named> {
    const { get } = this.document.reading;
    if (!get) throw new ConnectorError('invalid', 'the document has no reading.get');
    const call = { method: 'GET', path: get.path, query: get.query, values: { agenda: agendaId, id } };
    try {
      const answer = await this.client.json('reading.get', call, options);
      return this.named(at(answer, get.entry), 'reading.get.entry', id);
    } catch (error) {
      if (ConnectorError.is(error) && error.kind === 'not_found') return { kind: 'gone', id };
      throw error;
    }
  }

  /** An item that says which entry it is. */
  named(value: unknown, where: string, known: string | null = null): Named {
    const item = this.mapping.item(value, known);
    if (item.kind === 'nameless' || (known !== null && item.id !== known)) throw unlike(where, { write: false });
    return item;
  }

  async #listOnce(agendaId: string, range: Interval, options: CallOptions): Promise<Listed> {
    const { list } = this.document.reading;
    const items = new Map<string, Named>();
    let cursor: unknown;
    for (const part of this.#parts(range)) {
      const here = new Set<string>();
      const walk = { client: this.client, options, where: 'reading.list', listing: list };
      for await (const page of pages({ ...walk, values: this.#rangeValues(agendaId, part) })) {
        if (list.cursor !== undefined) cursor ??= at(page.answer, list.cursor);
        for (const value of page.items) {
          const item = this.named(value, 'entry.id');
          // Twice in one listing: the pages shifted, and another entry may have slipped through.
          if (here.has(item.id) && list.paging.kind === 'page') throw new Drifted();
          here.add(item.id);
          items.set(item.id, item);
        }
      }
    }
    return { items: [...items.values()], cursor };
  }

  /** The ranges to ask for, one after another; a backend that lists by start is asked from a day earlier. */
  #parts({ start, end }: Interval): Interval[] {
    const { finds, maxDays } = this.document.reading.list;
    const from = finds === 'start' ? start - DAY_MS : start;
    const step = maxDays === null ? end - from : maxDays * DAY_MS;
    const parts: Interval[] = [];
    for (let at = from; at < end; at += step) parts.push({ start: at, end: Math.min(at + step, end) });
    return parts;
  }

  #rangeValues(agenda: string, { start, end }: Interval): Readonly<Record<string, string | number>> {
    const { times } = this.mapping;
    const [from, to] = [tellable(start), tellable(end + MINUTE_MS - 1)];
    return {
      ...{ agenda, from: outward(times, from, -HOUR_MS), to: outward(times, to, HOUR_MS) },
      ...{ fromDate: times.date(start), toDate: times.date(end + DAY_MS) },
    };
  }
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

function tellable(instant: number): number {
  return instant - (instant % MINUTE_MS);
}

/** A bound that the backend's times can tell: an hour further out where a night has that hour twice. */
function outward(times: Mapping['times'], instant: number, step: number): string | number {
  try {
    return times.write(instant);
  } catch {
    return times.write(instant + step);
  }
}
