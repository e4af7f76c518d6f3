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
import type { SharedState } from './shared-state.js';
import { AccessTokens } from './tokens.js';

/** One call of the vendor's API. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH';
  /** Path segments after the base URL; each is escaped. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: object;
}

/** Speaks the vendor's HTTP dialect: URLs, tokens, JSON, failures as kinds. */
export class Client {
  readonly #base: string;
  readonly #http: Http;
  readonly #context: ConnectorContext;
  readonly #tokens: AccessTokens;

  constructor(
    settings: Settings,
    secrets: Secrets,
    parts: { readonly http: Http; readonly context: ConnectorContext; readonly state: SharedState },
  ) {
    this.#base = settings.baseUrl.replace(/\/+$/, '');
    this.#http = parts.http;
    this.#context = parts.context;
    const url = (settings.authUrl ?? `${this.#base}/auth`).replace(/\/+$/, '');
    this.#tokens = new AccessTokens({ ...parts, url, apiKey: secrets.apiKey });
  }

  /** Sends and reads an answer of the given shape, with the moment the vendor says it is (`Date`; `null` if it does not). */
  async dated<Schema extends z.ZodType>(
    schema: Schema,
    call: Call,
    options: CallOptions,
  ): Promise<{ value: z.output<Schema>; date: number | null }> {
    const answer = await this.#send(call, options);
    const write = call.method !== 'GET';
    let body: unknown;
    try {
      body = parseJson(answer.body);
    } catch {
      throw senseless(write, answer.status);
    }
    const read = schema.safeParse(body);
    if (!read.success) throw senseless(write, answer.status);
    const date = Date.parse(answer.headers['date'] ?? '');
    return { value: read.data, date: Number.isNaN(date) ? null : date };
  }

  async json<Schema extends z.ZodType>(schema: Schema, call: Call, options: CallOptions): Promise<z.output<Schema>> {
    return (await this.dated(schema, call, options)).value;
  }

  close(): void {
    this.#http.close();
  }

  /** A token that is refused was not used for anything: with another one the call is made again, once. */
  async #send(call: Call, options: CallOptions): Promise<HttpAnswer> {
    const token = await this.#tokens.get(options.signal);
    let answer = await this.#exchange(call, token, options);
    if (answer.status === 401)
      answer = await this.#exchange(call, await this.#tokens.get(options.signal, token), options);
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw errorOf(answer, { write: call.method !== 'GET', now: this.#context.now() });
  }

  #exchange({ method, path, query = {}, body }: Call, token: string, { signal }: CallOptions): Promise<HttpAnswer> {
    // Nothing was sent yet, so even a write is certainly not done.
    if (signal.aborted) throw new ConnectorError('unavailable', 'the call was given up before it was sent');
    const url = new URL(`${this.#base}/${path.map(encodeURIComponent).join('/')}`);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    return this.#http.send({
      method,
      url: url.href,
      signal,
      write: method !== 'GET',
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}
