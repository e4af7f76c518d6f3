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
import { blocked, errorOf, isPage, senseless, softError } from './errors.js';
import { refusal, token as tokenSchema } from './schemas.js';

/** A token is not used in the last minute of its life. */
const SPARE_MS = 60_000;
const USUAL_LIFE_S = 900;

/** One call of the vendor's API. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path below the address of the service; its parts are escaped by whoever makes it. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: object;
}

/** Speaks the vendor's dialect: tokens for a quarter of an hour, JSON, refusals that look like successes. */
export class Client {
  readonly #base: string;
  #token: { readonly value: string; readonly until: number } | null = null;

  constructor(
    private readonly account: { readonly settings: Settings; readonly secrets: Secrets },
    private readonly http: Http,
    private readonly context: ConnectorContext,
  ) {
    this.#base = account.settings.baseUrl.replace(/\/+$/, '');
  }

  /** Sends and reads an answer of the given shape. */
  async json<Schema extends z.ZodType>(schema: Schema, call: Call, options: CallOptions): Promise<z.output<Schema>> {
    const answer = await this.#send(call, options);
    const write = call.method !== 'GET';
    if (isPage(answer)) throw blocked(answer, { write, now: this.context.now() });
    const body = parsed(answer, write);
    const said = refusal.safeParse(body);
    if (said.success) throw softError(said.data.error, write);
    const read = schema.safeParse(body);
    if (!read.success) throw senseless(write, answer.status);
    return read.data;
  }

  /** Sends and expects 204: any other success is not the vendor's. */
  async nothing(call: Call, options: CallOptions): Promise<void> {
    const answer = await this.#send(call, options);
    if (answer.status === 204) return;
    const said = refusal.safeParse(isPage(answer) ? null : parsed(answer, true));
    throw said.success ? softError(said.data.error, true) : senseless(true, answer.status);
  }

  close(): void {
    this.http.close();
  }

  /** A token that ended early is replaced once: 401 says that nothing was done. */
  async #send(call: Call, options: CallOptions): Promise<HttpAnswer> {
    const write = call.method !== 'GET';
    const first = await this.#exchange(call, options);
    const answer = first.status === 401 ? await this.#again(call, options) : first;
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw errorOf(answer, { write, now: this.context.now() });
  }

  #again(call: Call, options: CallOptions): Promise<HttpAnswer> {
    this.#token = null;
    return this.#exchange(call, options);
  }

  async #exchange({ method, path, query = {}, body }: Call, options: CallOptions): Promise<HttpAnswer> {
    const token = await this.#bearer(options);
    refuseAborted(options);
    const url = new URL(`${this.#base}${path}`);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    return this.http.send({
      method,
      url: url.href,
      signal: options.signal,
      write: method !== 'GET',
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async #bearer(options: CallOptions): Promise<string> {
    const now = this.context.now();
    if (this.#token !== null && this.#token.until > now) return this.#token.value;
    refuseAborted(options);
    const { clientId, clientSecret } = this.account.secrets;
    const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
    const answer = await this.http.send({
      method: 'POST',
      url: this.account.settings.tokenUrl ?? `${this.#base}/oauth/token`,
      signal: options.signal,
      // Asking for another token changes nothing.
      write: false,
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    });
    if (answer.status !== 200) throw errorOf(answer, { write: false, now });
    if (isPage(answer)) throw blocked(answer, { write: false, now });
    const read = tokenSchema.safeParse(parsed(answer, false));
    if (!read.success) throw senseless(false, answer.status);
    const lifeMs = (read.data.expires_in ?? USUAL_LIFE_S) * 1000;
    this.#token = { value: read.data.access_token, until: now + Math.max(0, lifeMs - SPARE_MS) };
    return this.#token.value;
  }
}

/** Nothing was sent yet, so even a write is certainly not done. */
function refuseAborted({ signal }: CallOptions): void {
  if (signal.aborted) throw new ConnectorError('unavailable', 'the call was given up before it was sent');
}

function parsed({ body, status }: HttpAnswer, write: boolean): unknown {
  try {
    return parseJson(body);
  } catch {
    throw senseless(write, status);
  }
}
