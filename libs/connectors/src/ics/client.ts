import {
  ConnectorError,
  createHttp,
  MAX_CALENDAR_BYTES,
  type CallOptions,
  type ConnectorContext,
  type Http,
  type HttpAnswer,
} from '#connector-sdk';
import type { Secrets } from './config.js';
import { errorOf, noCalendar } from './errors.js';

/** What a server wants to be told to say "unchanged" (RFC 9110 8.8); `null` = it gave none. */
export interface Validators {
  readonly etag: string | null;
  readonly lastModified: string | null;
}

/** A feed as it came, not yet looked at. */
export interface Fetched extends Validators {
  readonly body: Uint8Array;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MAX_VALIDATOR = 500;
/** Bytes in which a web page shows itself as one. */
const LOOKED_AT = 1024;

/** Fetches one feed: conditional, redirects bounded and each hop guarded, credentials for the address entered only. */
export class FeedClient {
  readonly #http: Http;
  readonly #context: ConnectorContext;
  readonly #authorization: string | null;
  readonly address: URL;

  constructor({ url, username, password }: Secrets, context: ConnectorContext) {
    this.#http = createHttp(context);
    this.#context = context;
    // webcal is http by another name, and who publishes by it also answers on https.
    this.address = new URL(url.replace(/^webcals?:/i, 'https:'));
    const [user, word] = [username ?? plain(this.address.username), password ?? plain(this.address.password)];
    this.#authorization = user === '' ? null : `Basic ${Buffer.from(`${user}:${word}`).toString('base64')}`;
    this.address.username = '';
    this.address.password = '';
  }

  /** `null`: unchanged since the validators were given. Throws for whatever is not a calendar's text. */
  async fetch(known: Validators | null, { signal }: CallOptions): Promise<Fetched | null> {
    let url = this.address;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const headers = { Accept: 'text/calendar, */*;q=0.1', ...this.#credentials(url), ...conditions(known) };
      const request = { method: 'GET', url: url.href, headers, signal, write: false, isListing: true };
      const answer = await this.#http.send({ ...request, maxBytes: MAX_CALENDAR_BYTES });
      if (REDIRECTS.has(answer.status)) {
        url = redirected(url, answer.headers['location']);
        continue;
      }
      if (answer.status === 304 && known !== null) return null;
      if (answer.status !== 200) throw errorOf(answer, this.#context.now());
      return fetched(answer);
    }
    throw noCalendar('the server redirects in circles');
  }

  close(): void {
    this.#http.close();
  }

  #credentials(url: URL): Record<string, string> {
    return this.#authorization !== null && url.origin === this.address.origin
      ? { Authorization: this.#authorization }
      : {};
  }
}

function conditions(known: Validators | null): Record<string, string> {
  return {
    ...(known?.etag == null ? {} : { 'If-None-Match': known.etag }),
    ...(known?.lastModified == null ? {} : { 'If-Modified-Since': known.lastModified }),
  };
}

function fetched({ headers, content }: HttpAnswer): Fetched {
  const beginning = new TextDecoder().decode(content.subarray(0, LOOKED_AT));
  if (/^\s*(text\/html|application\/xhtml)/i.test(headers['content-type'] ?? '') || /^\s*</.test(beginning))
    throw noCalendar('the server sent a web page instead of a calendar');
  return { body: content, etag: validator(headers['etag']), lastModified: validator(headers['last-modified']) };
}

/** What can be sent back as it came. */
function validator(value: string | undefined): string | null {
  return value !== undefined && value.length <= MAX_VALIDATOR && /^[\x20-\x7e]+$/.test(value) ? value : null;
}

function redirected(from: URL, location: string | undefined): URL {
  if (location === undefined || !URL.canParse(location, from.href)) throw noCalendar('the server redirects to nowhere');
  const to = new URL(location, from);
  to.username = '';
  to.password = '';
  if (from.protocol === 'https:' && to.protocol !== 'https:')
    throw new ConnectorError('invalid', 'the server redirects from https to an unprotected address');
  return to;
}

function plain(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
