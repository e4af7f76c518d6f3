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
import { errorOf, isKind, senseless } from './errors.js';
import type { Headers } from './schemas.js';
import { SignIn } from './sign-in.js';

/** One call of the API, version 1. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** After `/api/v1`; ids in it are numbers. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: object;
}

/** Speaks the vendor's HTTP dialect: URLs, three headers, JSON, failures as kinds. */
export class Client {
  readonly #base: string;
  readonly #http: Http;
  readonly #signIn: SignIn;

  constructor(
    { baseUrl }: Settings,
    secrets: Secrets,
    private readonly context: ConnectorContext,
  ) {
    this.#base = `${baseUrl.replace(/\/+$/, '')}/api/v1`;
    this.#http = createHttp(context);
    this.#signIn = new SignIn({ url: `${this.#base}/auth/sign_in`, secrets, http: this.#http, context });
  }

  /** Sends and reads an answer of the given shape. */
  async json<Schema extends z.ZodType>(schema: Schema, call: Call, options: CallOptions): Promise<z.output<Schema>> {
    const { status, body } = await this.#send(call, options);
    let data: unknown;
    try {
      data = parseJson(body);
    } catch {
      throw senseless(call.method !== 'GET', status);
    }
    const read = schema.safeParse(data);
    if (!read.success) throw senseless(call.method !== 'GET', status);
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

  /** A token that is refused may have been ended by another sign-in: one more is tried. A 401 did nothing, even to a write. */
  async #send(call: Call, options: CallOptions): Promise<HttpAnswer> {
    const headers = await this.#signIn.get(options);
    try {
      return await this.#sendAs(headers, call, options);
    } catch (error) {
      if (!isKind(error, 'auth')) throw error;
      return this.#sendAs(await this.#signIn.get(options, headers), call, options);
    }
  }

  async #sendAs(
    { token, client, uid }: Headers,
    { method, path, query = {}, body }: Call,
    { signal }: CallOptions,
  ): Promise<HttpAnswer> {
    // Nothing was sent yet, so even a write is certainly not done.
    if (signal.aborted) throw new ConnectorError('unavailable', 'the call was given up before it was sent');
    const url = new URL(this.#base + path);
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
        ...{ 'access-token': token, client, uid },
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw errorOf(answer, { write, now: this.context.now() });
  }
}
