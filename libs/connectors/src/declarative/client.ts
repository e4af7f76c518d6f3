import {
  ConnectorError,
  createHttp,
  type CallOptions,
  type ConnectorContext,
  type Http,
  parseJson,
} from '#connector-sdk';
import { credentialsOf, type Credentials } from './credentials.js';
import type { Secrets, Settings } from './config.js';
import { errorOf, unlike } from './errors.js';
import { fillPath, fillText, type Values } from './templates.js';

/** One request as the document describes it, with the values that fill it. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object | undefined;
  /** Parameters beside those of the document: pages. */
  readonly more?: Readonly<Record<string, string | number>>;
  readonly values: Values;
}

/** Carries requests of the document to the base address, and nowhere else. */
export class Client {
  readonly #settings: Settings;
  readonly #secrets: Secrets;
  readonly #http: Http;
  readonly #context: ConnectorContext;

  constructor(settings: Settings, secrets: Secrets, context: ConnectorContext) {
    this.#settings = settings;
    this.#secrets = secrets;
    this.#http = createHttp(context);
    this.#context = context;
  }

  /** The host that is spoken to. */
  get host(): string {
    return new URL(this.#settings.baseUrl).host;
  }

  /** A JSON answer; `where` is the part of the document that is carried out. */
  async json(where: string, call: Call, options: CallOptions): Promise<unknown> {
    const json = await this.send(call, options);
    if (json === undefined) throw unlike(where, { write: call.method !== 'GET' });
    return json;
  }

  /** Any success; `undefined` when it is not told in JSON. */
  async send(call: Call, { signal }: CallOptions): Promise<unknown> {
    // Nothing was sent yet, so even a write is certainly not done.
    if (signal.aborted) throw new ConnectorError('unavailable', 'the call was given up before it was sent');
    const { document } = this.#settings;
    const credentials = credentialsOf(document.authentication, this.#secrets);
    const write = call.method !== 'GET';
    const answer = await this.#http.send({
      method: call.method,
      url: this.#url(call, credentials).href,
      signal,
      write,
      headers: {
        accept: 'application/json',
        ...document.headers,
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headersOf(call),
        ...credentials.headers,
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
    const json = parsed(answer.body);
    const error = errorOf({ ...answer, json }, document.errors, { write, now: this.#context.now() });
    if (error) throw error;
    return json;
  }

  close(): void {
    this.#http.close();
  }

  #url({ path, query = {}, more = {}, values }: Call, credentials: Credentials): URL {
    const base = new URL(this.#settings.baseUrl);
    const root = base.pathname.replace(/\/+$/, '');
    const url = new URL(base.origin + root + fillPath(path, values));
    // Whatever was filled in: nothing is asked outside of the base address.
    if (url.origin !== base.origin || !url.pathname.startsWith(`${root}/`))
      throw new ConnectorError('invalid', 'the request would leave the base address');
    for (const [name, text] of Object.entries(query)) url.searchParams.append(name, fillText(text, values));
    for (const [name, value] of Object.entries(more)) url.searchParams.set(name, String(value));
    for (const [name, value] of Object.entries(credentials.query)) url.searchParams.set(name, value);
    return url;
  }
}

function headersOf({ headers = {}, values }: Call): Record<string, string> {
  const filled = Object.entries(headers).map(([name, text]) => [name, fillText(text, values)] as const);
  if (filled.some(([, value]) => !/^[\x20-\x7e]*$/.test(value)))
    throw new ConnectorError('invalid', 'what a header needs cannot stand in a header');
  return Object.fromEntries(filled);
}

function parsed(body: string): unknown {
  try {
    return parseJson(body);
  } catch {
    return undefined;
  }
}
