import { ConnectorError, type CallOptions, type ConnectorContext, type Http, parseJson } from '#connector-sdk';
import type { z } from 'zod';
import type { Secrets, Settings } from './config.js';
import { errorOf, senseless, TokenExpired } from './errors.js';
import { token as tokenSchema } from './schemas.js';

const API_VERSION = '1';
const PMS_VERSION = '1';

/** One call of the vendor's API: GET, or POST when there is a form. */
export interface Call {
  /** Path segments after the base URL; each is escaped. */
  readonly path: readonly string[];
  /** `method` says what a POST is meant to be. */
  readonly query?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
}

/** Speaks the vendor's HTTP dialect: key and token in the query, forms, errors with any status. */
export class Client {
  readonly #base: string;
  readonly #pmsName: string;
  readonly #secrets: Secrets;
  readonly #http: Http;
  readonly #context: ConnectorContext;
  #token: string | null = null;

  constructor(
    settings: Settings,
    secrets: Secrets,
    parts: { readonly http: Http; readonly context: ConnectorContext },
  ) {
    this.#base = settings.baseUrl.replace(/\/+$/, '');
    this.#pmsName = settings.pmsName;
    this.#secrets = secrets;
    this.#http = parts.http;
    this.#context = parts.context;
  }

  /**
   * Sends and reads an answer of the given shape. A token that has ended was refused before anything was done: with
   * another one the same call is made once more, in the middle of a listing too.
   */
  async json<Schema extends z.ZodType>(schema: Schema, call: Call, options: CallOptions): Promise<z.output<Schema>> {
    const token = this.#token ?? (await this.#renew(options));
    try {
      return await this.#send(schema, { ...call, query: { ...call.query, token } }, options);
    } catch (error) {
      if (!(error instanceof TokenExpired)) throw error;
      if (this.#token === token) this.#token = null;
      const fresh = this.#token ?? (await this.#renew(options));
      return this.#send(schema, { ...call, query: { ...call.query, token: fresh } }, options);
    }
  }

  close(): void {
    this.#http.close();
  }

  async #renew(options: CallOptions): Promise<string> {
    const { token } = await this.#send(tokenSchema, { path: ['token-get'] }, options);
    this.#token = token;
    return token;
  }

  async #send<Schema extends z.ZodType>(
    schema: Schema,
    call: Call,
    { signal }: CallOptions,
  ): Promise<z.output<Schema>> {
    // Nothing was sent yet, so even a write is certainly not done.
    if (signal.aborted) throw new ConnectorError('unavailable', 'the call was given up before it was sent');
    const write = call.form !== undefined;
    const answer = await this.#http.send({
      method: write ? 'POST' : 'GET',
      url: this.#url(call),
      ...{ signal, write },
      headers: {
        accept: 'application/json',
        ...(write ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      },
      ...(write ? { body: new URLSearchParams(call.form).toString() } : {}),
    });
    const error = errorOf(answer, { write, now: this.#context.now() });
    if (error !== null) throw error;
    let body: unknown;
    try {
      body = parseJson(answer.body);
    } catch {
      throw senseless(write, answer.status);
    }
    const read = schema.safeParse(body);
    if (!read.success) throw senseless(write, answer.status);
    return read.data;
  }

  #url({ path, query = {} }: Call): string {
    const url = new URL(`${this.#base}/${path.map(encodeURIComponent).join('/')}`);
    const everywhere = { apikey: this.#secrets.apiKey, api_version: API_VERSION, pms_version: PMS_VERSION };
    for (const [name, value] of Object.entries({ ...everywhere, pms_name: this.#pmsName, ...query }))
      url.searchParams.set(name, value);
    return url.href;
  }
}
