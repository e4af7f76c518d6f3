import { ConnectorError, type CallOptions, type ConnectorContext, type Http, type HttpAnswer } from '#connector-sdk';
import type { z } from 'zod';
import type { Secrets, Settings } from './config.js';
import { errorOf, json, senseless } from './errors.js';
import { signed } from './signing.js';

/** A difference of clocks that is worth minding. */
const SKEW_MS = 60_000;

/** One call of the vendor's API. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path segments after the base URL; each is escaped. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
}

/** Speaks the vendor's HTTP dialect: URLs, signatures, JSON, failures as kinds. */
export class Client {
  readonly #base: string;
  readonly #secrets: Secrets;
  readonly #http: Http;
  readonly #context: ConnectorContext;
  /** How far the vendor's clock is ahead of ours, once that kept it from believing us. */
  #aheadMs = 0;

  constructor(
    settings: Settings,
    secrets: Secrets,
    parts: { readonly http: Http; readonly context: ConnectorContext },
  ) {
    this.#base = settings.baseUrl.replace(/\/+$/, '');
    this.#secrets = secrets;
    this.#http = parts.http;
    this.#context = parts.context;
  }

  /** Sends and reads an answer of the given shape. */
  async json<Schema extends z.ZodType>(schema: Schema, call: Call, options: CallOptions): Promise<z.output<Schema>> {
    const { status, body } = await this.#send(call, options);
    const read = schema.safeParse(json(body));
    if (!read.success) throw senseless(call.method !== 'GET', status);
    return read.data;
  }

  close(): void {
    this.#http.close();
  }

  /** A signature that is refused did nothing: where the clocks differ, the call is made again by the vendor's. */
  async #send(call: Call, options: CallOptions): Promise<HttpAnswer> {
    let answer = await this.#exchange(call, options);
    if (answer.status === 401 && this.#minded(answer)) answer = await this.#exchange(call, options);
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw errorOf(answer, { write: call.method !== 'GET', now: this.#now() });
  }

  #minded({ headers }: HttpAnswer): boolean {
    const theirs = Date.parse(headers['date'] ?? '');
    if (Number.isNaN(theirs) || Math.abs(theirs - this.#now()) < SKEW_MS) return false;
    this.#aheadMs = theirs - this.#context.now();
    return true;
  }

  #now(): number {
    return this.#context.now() + this.#aheadMs;
  }

  #exchange({ method, path, query = {}, body }: Call, { signal }: CallOptions): Promise<HttpAnswer> {
    // Nothing was sent yet, so even a write is certainly not done.
    if (signal.aborted) throw new ConnectorError('unavailable', 'the call was given up before it was sent');
    const url = new URL(`${this.#base}/${path.map(encodeURIComponent).join('/')}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return this.#http.send({
      method,
      url: url.href,
      signal,
      write: method !== 'GET',
      headers: signed(this.#secrets, this.#now()),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}
