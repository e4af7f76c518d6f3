import type { calendar_v3 } from '@googleapis/calendar';
import {
  ConnectorError,
  createHttp,
  type CallOptions,
  type ConnectorContext,
  type Http,
  type HttpAnswer,
  refuseCostlyJson,
} from '#connector-sdk';
import type { z } from 'zod';
import type { Secrets, Settings } from './config.js';
import { errorOf, senseless } from './errors.js';
import { AccessTokens } from './tokens.js';

/** What the vendor's library must be given with every call. */
export interface Via {
  readonly signal: AbortSignal;
  readonly fetchImplementation: typeof fetch;
}

/** One method of the API, called through the vendor's library. */
export type Send = (
  api: calendar_v3.Calendar,
  via: Via,
) => Promise<{ status: number; data: unknown; headers: unknown }>;

/**
 * The calendar API: Google's library writes the requests, the hub's own HTTP carries them, so that size, time, addresses
 * and redirects are bounded here as everywhere, and what was or was not sent is known. The library retries nothing.
 */
export class Client {
  readonly #root: string;
  readonly #http: Http;
  readonly #context: ConnectorContext;
  readonly #tokens: AccessTokens;
  #api: Promise<calendar_v3.Calendar> | null = null;

  constructor(settings: Settings, secrets: Secrets, context: ConnectorContext) {
    this.#root = settings.rootUrl.replace(/\/+$/, '');
    this.#http = createHttp(context);
    this.#context = context;
    this.#tokens = new AccessTokens({ settings, auth: secrets.auth, http: this.#http, context });
  }

  read<Schema extends z.ZodType>(schema: Schema, send: Send, options: CallOptions): Promise<z.output<Schema>> {
    return this.#ask(schema, send, { ...options, write: false });
  }

  /** A failure that leaves the outcome open is `unknown`. */
  write<Schema extends z.ZodType>(schema: Schema, send: Send, options: CallOptions): Promise<z.output<Schema>> {
    return this.#ask(schema, send, { ...options, write: true });
  }

  close(): void {
    this.#http.close();
  }

  async #ask<Schema extends z.ZodType>(
    schema: Schema,
    send: Send,
    { signal, write }: CallOptions & { readonly write: boolean },
  ): Promise<z.output<Schema>> {
    // Loaded with the first request: a hub without such agendas need not hold it in memory.
    this.#api ??= import('@googleapis/calendar').then(({ calendar }) =>
      calendar({ version: 'v3', retry: false, validateStatus: () => true }),
    );
    const api = await this.#api;
    let retryAfter: string | undefined;
    const carry = async (...request: Parameters<typeof fetch>): Promise<Response> => {
      const response = await this.#carry(request, { signal, write });
      retryAfter = response.headers.get('retry-after') ?? undefined;
      return response;
    };
    const { status, data } = await send(api, { signal, fetchImplementation: carry }).catch((error: unknown) => {
      throw beneath(error) ?? senseless(write, 0);
    });
    if (status < 200 || status > 299) throw errorOf({ status, data, retryAfter }, { write, now: this.#context.now() });
    const read = schema.safeParse(data);
    if (!read.success) throw senseless(write, status);
    return read.data;
  }

  /** Sends with an access token; a refused one is replaced once, and the request, which did nothing, is sent again. */
  async #carry(
    [input, init]: Parameters<typeof fetch>,
    { signal, write }: CallOptions & { readonly write: boolean },
  ): Promise<Response> {
    const { pathname, search } = new URL(input instanceof Request ? input.url : input);
    const send = async (token: string): ReturnType<Http['send']> => {
      // Nothing was sent yet, so even a write is certainly not done.
      if (signal.aborted) throw new ConnectorError('unavailable', 'the call was given up before it was sent');
      return this.#http.send({
        method: init?.method ?? 'GET',
        url: `${this.#root}${pathname}${search}`,
        headers: { ...Object.fromEntries(new Headers(init?.headers)), authorization: `Bearer ${token}` },
        ...(typeof init?.body === 'string' ? { body: init.body } : {}),
        signal,
        write,
      });
    };
    const token = await this.#tokens.get(signal);
    let answer = await send(token);
    if (answer.status === 401) answer = await send(await this.#tokens.get(signal, token));
    const headers = Object.entries(answer.headers).filter(
      ([name]) => name === 'content-type' || name === 'retry-after',
    );
    refuseCostly(answer, write);
    const empty = answer.status === 204 || answer.status === 304;
    return new Response(empty ? null : answer.body, {
      status: answer.status,
      headers: headers.map(([name, value]) => [name, value ?? '']),
    });
  }
}

/** The library parses it by itself, whatever it costs. */
function refuseCostly({ body, status }: HttpAnswer, write: boolean): void {
  try {
    refuseCostlyJson(body);
  } catch {
    throw senseless(write, status);
  }
}

/** Our own error inside the one that the library wrapped around it, which holds the request with its token. */
function beneath(error: unknown): ConnectorError | null {
  for (let at: unknown = error; at instanceof Error; at = at.cause) if (ConnectorError.is(at)) return at;
  return null;
}
