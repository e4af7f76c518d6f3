import {
  ConnectorError,
  type CallOptions,
  type ConnectorContext,
  type Http,
  type HttpAnswer,
  parseJson,
} from '#connector-sdk';
import type { z } from 'zod';
import type { Secrets, Settings } from './config.js';
import { errorOf, senseless } from './errors.js';
import { anything, collection } from './schemas.js';

/** One of the conditions that all have to hold. */
export type Condition = readonly [
  field: string,
  op: '=' | '!=' | '>' | '>=' | '<' | '<=' | 'like',
  value: string | number,
];

/** What is wanted of a collection. */
export interface Query {
  readonly conditions: readonly Condition[];
  readonly calendarId?: string;
  readonly sort?: { readonly by: string; readonly dir: 'asc' | 'desc' };
  /** 25 when left out. */
  readonly results?: number;
}

/** A write of `vevents`. */
export interface Write {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly id?: number;
  readonly vevent?: object;
}

/** Speaks the API's dialect: key in the query, login sent unasked, conditions, errors as kinds. */
export class Client {
  readonly #group: string;
  readonly #apiKey: string;
  readonly #login: string;
  readonly #http: Http;
  readonly #context: ConnectorContext;

  constructor(
    { baseUrl, groupId, email }: Settings,
    { apiKey, password }: Secrets,
    parts: { readonly http: Http; readonly context: ConnectorContext },
  ) {
    this.#group = `${baseUrl.replace(/\/+$/, '')}/groups/${String(groupId)}`;
    this.#apiKey = apiKey;
    // The API never asks for it with a 401: it goes with every request.
    this.#login = `Basic ${Buffer.from(`${email}:${password}`).toString('base64')}`;
    this.#http = parts.http;
    this.#context = parts.context;
  }

  /** One page of a collection of the group, and how many records match in all. */
  async list(
    name: string,
    query: Query,
    options: CallOptions,
  ): Promise<{ readonly records: readonly unknown[]; readonly total: number }> {
    const url = this.#url(`${name}.json`);
    for (const [n, [field, op, value]] of query.conditions.entries())
      for (const [part, text] of Object.entries({ field, op, value: String(value) }))
        url.searchParams.set(`conditions[${String(n)}][${part}]`, text);
    if (query.calendarId !== undefined) url.searchParams.set('calendar_id', query.calendarId);
    if (query.sort) url.searchParams.set('sort', query.sort.by);
    if (query.sort) url.searchParams.set('dir', query.sort.dir);
    if (query.results !== undefined) url.searchParams.set('results', String(query.results));
    const { records, totalRecords } = await this.#json(collection, { method: 'GET', url }, options);
    if (records.length > totalRecords || (records.length === 0 && totalRecords > 0)) throw senseless(false, 200);
    return { records, total: totalRecords };
  }

  /** All records of a small collection, each of the given shape. */
  async all<Schema extends z.ZodType>(
    name: string,
    schema: Schema,
    options: CallOptions,
    conditions: readonly Condition[] = [],
  ): Promise<z.output<Schema>[]> {
    const { records, total } = await this.list(name, { conditions, results: 500 }, options);
    if (records.length < total) throw senseless(false, 200);
    return records.map((record) => {
      const read = schema.safeParse(record);
      if (!read.success) throw senseless(false, 200);
      return read.data;
    });
  }

  async write({ method, id, vevent }: Write, options: CallOptions): Promise<void> {
    const url = this.#url(id === undefined ? 'vevents.json' : `vevents/${String(id)}.json`);
    const body = vevent === undefined ? {} : { body: JSON.stringify({ vevent }) };
    await this.#json(anything, { method, url, ...body }, options);
  }

  close(): void {
    this.#http.close();
  }

  async #json<Schema extends z.ZodType>(
    schema: Schema,
    call: { readonly method: string; readonly url: URL; readonly body?: string },
    { signal }: CallOptions,
  ): Promise<z.output<Schema>> {
    // Nothing was sent yet, so even a write is certainly not done.
    if (signal.aborted) throw new ConnectorError('unavailable', 'the call was given up before it was sent');
    const write = call.method !== 'GET';
    const answer = await this.#http.send({
      ...{ method: call.method, url: call.url.href, signal, write },
      headers: {
        accept: 'application/json',
        authorization: this.#login,
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(call.body === undefined ? {} : { body: call.body }),
    });
    if (answer.status < 200 || answer.status >= 300) throw errorOf(answer, { write, now: this.#context.now() });
    const read = schema.safeParse(bodyOf(answer, write));
    if (!read.success) throw senseless(write, answer.status);
    return read.data;
  }

  #url(path: string): URL {
    const url = new URL(`${this.#group}/${path}`);
    url.searchParams.set('apikey', this.#apiKey);
    return url;
  }
}

function bodyOf({ body, status }: HttpAnswer, write: boolean): unknown {
  try {
    return parseJson(body);
  } catch {
    throw senseless(write, status);
  }
}
