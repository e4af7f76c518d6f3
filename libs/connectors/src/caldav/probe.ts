import type { CallOptions, Manners, ProbeRequest, Refusal } from '#connector-sdk';
import { readMultistatus } from './answers.js';
import type { DavAnswer, DavClient } from './client.js';
import { normalTag, pathOf, withSlash } from './hrefs.js';
import { DAV, readConditions } from './multistatus.js';
import { multiget, syncCollection } from './requests.js';

const DAY = 86_400_000;
/** Far enough that nobody looks there, near enough that a server has not closed its calendar. */
const FAR_DAYS = 730;
/** One name, so that what a probe that was killed left behind is found and removed by the next. */
const NAME = 'unisson-essai';
const NO_SUCH_TOKEN = 'http://unisson.invalid/ns/sync/no-such-token';
const NO_SUCH_VERSION = '"unisson-no-such-version"';
/** Writers at once, and how often: a server that lets two of them win does so in most rounds (measured). */
const WRITERS = 4;
const ROUNDS = 3;
const STORED = new Set([200, 201, 202, 204]);
/** Answers to a report that the server does not know (RFC 3253 3.6). */
const NO_REPORT = new Set([405, 415, 501]);

const UNTRIED = { staleChanges: null, staleRemovals: null, secondCreates: null, versions: null, keeps: null } as const;

/** Finds out what a server does, by doing it. */
export class Probe {
  readonly #client: DavClient;
  readonly #collection: URL;
  readonly #object: string;

  constructor(client: DavClient, agendaId: string) {
    this.#client = client;
    this.#collection = client.resolve(withSlash(agendaId));
    this.#object = new URL(`${NAME}.ics`, this.#collection).href;
  }

  async run({ write }: Pick<ProbeRequest, 'write'>, options: CallOptions): Promise<Manners> {
    const read = {
      deadCursors: await this.#deadCursors(options),
      missingObjects: await this.#missingObjects(options),
      sendsInvitations: await this.#sendsInvitations(options),
    };
    if (!write) return { ...UNTRIED, ...read };
    await this.#delete({}, options);
    try {
      return { ...(await this.#writing(options)), ...read };
    } finally {
      await this.#delete({}, options);
    }
  }

  async #deadCursors(options: CallOptions): Promise<Manners['deadCursors']> {
    const answer = await this.#report(syncCollection(NO_SUCH_TOKEN, false), '0', options);
    if (answer.status === 207) return 'believed';
    if (NO_REPORT.has(answer.status)) return 'none';
    return readConditions(answer.body).includes(`{${DAV}}supported-report`) ? 'none' : 'refused';
  }

  async #missingObjects(options: CallOptions): Promise<Manners['missingObjects']> {
    const path = pathOf(`${NAME}-nulle-part.ics`, this.#collection) ?? '';
    const answer = await this.#report(multiget([path]), '1', options);
    if (answer.status !== 207) return 'spoil-all';
    const { responses } = await readMultistatus(answer.content, options).catch(() => ({ responses: [] }));
    return responses.some(({ href, status }) => pathOf(href, answer.url) === path && status === 404)
      ? 'named'
      : 'left-out';
  }

  /** RFC 6638 2. */
  async #sendsInvitations(options: CallOptions): Promise<boolean | null> {
    const { status, headers } = await this.#client.send({ method: 'OPTIONS', url: this.#collection.href }, options);
    return status >= 300 ? null : /\bcalendar-auto-schedule\b/i.test(headers['dav'] ?? '');
  }

  async #writing(options: CallOptions): Promise<Pick<Manners, keyof typeof UNTRIED>> {
    const first = this.#event(0);
    if (!(await this.#put(first, { 'If-None-Match': '*' }, options))) return UNTRIED;
    const stands = await this.#client.send({ method: 'GET', url: this.#object }, options);
    const tag = stands.headers['etag']?.trim() ?? '';
    const secondCreates = (await this.#put(this.#event(1), { 'If-None-Match': '*' }, options)) ? 'never' : 'always';
    const staleChanges = await this.#staleChanges(options);
    const staleRemovals = (await this.#delete({ 'If-Match': NO_SUCH_VERSION }, options)) ? 'never' : 'always';
    return {
      secondCreates,
      staleChanges,
      staleRemovals,
      versions: tag === '' ? 'none' : tag.startsWith('W/') ? 'weak' : 'strong',
      keeps: stands.body === first ? 'as-written' : 'rewritten',
    };
  }

  async #staleChanges(options: CallOptions): Promise<Refusal> {
    if (await this.#put(this.#event(2), { 'If-Match': NO_SUCH_VERSION }, options)) return 'never';
    for (let round = 0; round < ROUNDS; round += 1) {
      const stands = await this.#client.send({ method: 'GET', url: this.#object }, options);
      const tag = normalTag(stands.headers['etag']);
      if (tag === null) return 'one-by-one';
      const writers = Array.from({ length: WRITERS }, (_, n) => this.#event(10 * (round + 1) + n));
      const won = await Promise.all(writers.map((body) => this.#put(body, { 'If-Match': tag }, options)));
      if (won.filter(Boolean).length > 1) return 'one-by-one';
    }
    return 'always';
  }

  /** True when the server says that it stored it. */
  async #put(body: string, condition: Record<string, string>, options: CallOptions): Promise<boolean> {
    const headers = { 'Content-Type': 'text/calendar; charset=utf-8', ...condition };
    const { status } = await this.#client.send({ method: 'PUT', url: this.#object, headers, body }, options);
    return STORED.has(status);
  }

  async #delete(headers: Record<string, string>, options: CallOptions): Promise<boolean> {
    const { status } = await this.#client.send({ method: 'DELETE', url: this.#object, headers }, options);
    return STORED.has(status);
  }

  #report(body: string, depth: '0' | '1', options: CallOptions): Promise<DavAnswer> {
    const headers = { 'Content-Type': 'application/xml; charset=utf-8' };
    return this.#client.send({ method: 'REPORT', url: this.#collection.href, depth, headers, body }, options);
  }

  /** A quarter of an hour that occupies nobody; each `number` another text, so that a version has to change. */
  #event(number: number): string {
    const today = this.#client.now() - (this.#client.now() % DAY);
    const at = (instant: number): string => new Date(instant).toISOString().replace(/[-:]|\.\d+/g, '');
    const start = today + FAR_DAYS * DAY + DAY / 4;
    const lines = [
      'BEGIN:VCALENDAR',
      'VERSION:2.0',
      'PRODID:-//Unisson//Unisson//FR',
      'BEGIN:VEVENT',
      `UID:${NAME}-${String(today / DAY)}@unisson`,
      `DTSTAMP:${at(this.#client.now())}`,
      `DTSTART:${at(start)}`,
      `DTEND:${at(start + DAY / 96)}`,
      `SUMMARY:Unisson : essai ${String(number)}`,
      'CLASS:PRIVATE',
      'TRANSP:TRANSPARENT',
      'END:VEVENT',
      'END:VCALENDAR',
    ];
    return lines.map((line) => `${line}\r\n`).join('');
  }
}
