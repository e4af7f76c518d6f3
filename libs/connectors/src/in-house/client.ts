import {
  ConnectorError,
  createHttp,
  type CallOptions,
  type ConnectorContext,
  type Http,
  type HttpAnswer,
  parseJson,
} from '#connector-sdk';
import type { z } from 'zod';
import type { Secrets, Settings } from './config.js';
import { errorOf, senseless } from './errors.js';

/** One call of the vendor's API. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path segments after the base URL; each is escaped. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
}

/** Speaks the vendor's HTTP dialect: URLs, key, JSON, failures as kinds. */
export class Client {
  readonly #base: string;
  readonly #secrets: Secrets;
  readonly #http: Http;
  readonly #context: ConnectorContext;

  constructor(settings: Settings, secrets: Secrets, context: ConnectorContext) {
    const { certificate, privateKey } = secrets;
    const { authority } = settings;
    this.#base = settings.baseUrl.replace(/\/+$/, '');
    this.#secrets = secrets;
    this.#http = createHttp(context, { certificate, privateKey, authority });
    this.#context = context;
  }

  /** Sends and reads an answer of the given shape. */
  async json<Schema extends z.ZodType>(schema: Schema, call: Call, options: CallOptions): Promise<z.output<Schema>> {
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
    return read.data;
  }

  /** Sends and expects 204: any other success is not the vendor's. */
  async nothing(call: Call, options: CallOptions): Promise<void> {
    const { status } = await this.#send(call, options);
    if (status !== 204) throw senseless(call.method !== 'GET', status);
  }

  close(): void {
    this.#http.close();
  }

  async #send({ method, path, query = {}, headers, body }: Call, { signal }: CallOptions): Promise<HttpAnswer> {
    // Nothing was sent yet, so even a write is certainly not done.
    if (signal.aborted) throw new ConnectorError('unavailable', 'the call was given up before it was sent');
    const url = new URL(`${this.#base}/${path.map(encodeURIComponent).join('/')}`);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const write = method !== 'GET';
    const answer = await this.#http.send({
      method,
      url: url.href,
      signal,
      write,
      headers: {
        accept: 'application/json',
        ...(this.#secrets.apiKey === undefined ? {} : { authorization: `Bearer ${this.#secrets.apiKey}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw errorOf(answer, { write, now: this.#context.now() });
  }
}
