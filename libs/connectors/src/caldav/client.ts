import {
  ConnectorError,
  createHttp,
  listingTimeoutOf,
  MAX_CALENDAR_BYTES,
  type CallOptions,
  type ConnectorContext,
  type Http,
  type HttpAnswer,
} from '#connector-sdk';
import { readMultistatus } from './answers.js';
import { Authorization } from './authorization.js';
import type { Secrets, Settings } from './config.js';
import { errorOf } from './errors.js';
import { readConditions, type Multistatus } from './multistatus.js';

/** One request; the URL may be a path on the configured server. */
export interface DavRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE' | 'OPTIONS' | 'PROPFIND' | 'REPORT';
  readonly url: string;
  readonly depth?: '0' | '1';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** It asks for a whole calendar, or for many of its events: the answer may take longer than any other. */
  readonly isListing?: boolean;
}

/** An answer and the URL that gave it, after redirects. */
export interface DavAnswer extends HttpAnswer {
  readonly url: URL;
}

/** A multistatus and the URL that gave it. */
export interface DavListing extends Multistatus {
  readonly url: URL;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 307, 308]);
const XML = 'application/xml; charset=utf-8';

/** Speaks WebDAV: credentials ahead of any challenge, redirects that keep method and body, failures as kinds. */
export class DavClient {
  readonly #http: Http;
  readonly #context: ConnectorContext;
  readonly #authorization: Authorization;
  /** Origins that may see the credentials: those an administrator entered. */
  readonly #trusted: ReadonlySet<string>;
  readonly base: URL;

  constructor(settings: Settings, secrets: Secrets, context: ConnectorContext) {
    this.#http = createHttp(context);
    this.#context = context;
    this.#authorization = new Authorization(secrets.auth);
    this.base = withoutUser(new URL(settings.url));
    this.#trusted = new Set([settings.url, settings.calendarHome ?? settings.url].map((url) => new URL(url).origin));
  }

  now(): number {
    return this.#context.now();
  }

  /** For the answer to a listing, in milliseconds. */
  get listingTimeoutMs(): number {
    return listingTimeoutOf(this.#context);
  }

  isTrusted(url: URL): boolean {
    return this.#trusted.has(url.origin);
  }

  resolve(url: string): URL {
    if (!URL.canParse(url, this.base.href)) throw new ConnectorError('invalid', 'an address that is none');
    return new URL(url, this.base);
  }

  /** Any answer but a redirect. Throws `auth` for 401, `unavailable` or `unknown` when there is no answer. */
  async send(request: DavRequest, options: CallOptions): Promise<DavAnswer> {
    const write = request.method === 'PUT' || request.method === 'DELETE';
    let url = this.resolve(request.url);
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const answer = await this.#exchange(request, url, options);
      if (answer.status === 401) throw this.#refused(url);
      if (!REDIRECTS.has(answer.status)) return Object.assign(answer, { url });
      url = this.#redirected(url, answer.headers['location'], write);
    }
    throw new ConnectorError('unavailable', 'the server redirects in circles');
  }

  /** The answer to PROPFIND or REPORT, which must be a multistatus. */
  async multistatus(request: DavRequest, options: CallOptions): Promise<DavListing> {
    const { content, url } = await this.report(request, options);
    return { ...(await readMultistatus(content, options)), url };
  }

  /** The same, not yet read. */
  async report(request: DavRequest, options: CallOptions): Promise<DavAnswer> {
    const answer = await this.send({ ...request, headers: { 'Content-Type': XML, ...request.headers } }, options);
    if (answer.status !== 207) throw this.failure(answer, false);
    return answer;
  }

  /** The answer as an error, with the preconditions it names. */
  failure(answer: HttpAnswer, write: boolean): ConnectorError {
    return errorOf(answer, { write, now: this.now(), conditions: readConditions(answer.body) });
  }

  close(): void {
    this.#http.close();
  }

  async #exchange(request: DavRequest, url: URL, options: CallOptions): Promise<HttpAnswer> {
    const first = await this.#once(request, url, options);
    if (first.status !== 401 || !this.isTrusted(url)) return first;
    return this.#authorization.challenged(first.headers['www-authenticate'])
      ? this.#once(request, url, options)
      : first;
  }

  async #once(
    { method, depth, headers, body, isListing = false }: DavRequest,
    url: URL,
    { signal }: CallOptions,
  ): Promise<HttpAnswer> {
    // Nothing was sent yet, so even a write is certainly not done.
    if (signal.aborted) throw new ConnectorError('unavailable', 'the call was given up before it was sent');
    const credentials = this.isTrusted(url)
      ? { Authorization: this.#authorization.header({ method, target: url.pathname + url.search }) }
      : {};
    return this.#http.send({
      method,
      url: url.href,
      headers: { ...headers, ...(depth === undefined ? {} : { Depth: depth }), ...credentials },
      ...(body === undefined ? {} : { body }),
      signal,
      write: method === 'PUT' || method === 'DELETE',
      isListing,
      maxBytes: MAX_CALENDAR_BYTES,
    });
  }

  #redirected(from: URL, location: string | undefined, write: boolean): URL {
    if (location === undefined || !URL.canParse(location, from.href)) {
      throw new ConnectorError('unavailable', 'the server redirects to nowhere');
    }
    const to = withoutUser(new URL(location, from));
    if (from.protocol === 'https:' && to.protocol !== 'https:') {
      throw new ConnectorError('invalid', 'the server redirects from https to an unprotected address');
    }
    if (from.protocol === 'http:' && to.protocol === 'https:' && to.hostname === from.hostname) {
      throw new ConnectorError('invalid', 'the server redirects to https: enter the https address');
    }
    if (write && !this.isTrusted(to))
      throw new ConnectorError('invalid', 'the server redirects a change to another host');
    return to;
  }

  #refused(url: URL): ConnectorError {
    if (this.isTrusted(url)) return new ConnectorError('auth', 'the server refused the credentials', { status: 401 });
    return new ConnectorError('invalid', 'the server redirects to another host: enter the address of that host', {
      status: 401,
    });
  }
}

function withoutUser(url: URL): URL {
  url.username = '';
  url.password = '';
  return url;
}
