import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { lookup as dnsLookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import axios, { AxiosError, type AxiosInstance, type AxiosResponse } from 'axios';
import { listingTimeoutOf, type ConnectorContext } from './connector.js';
import { ConnectorError } from './errors.js';

/** Largest answer read from a backend, after decompression, in bytes: more than any that `parseJson` reads. */
export const MAX_ANSWER_BYTES = 6 * 1024 * 1024;
/** Largest whole calendar, or file of one, for {@link HttpRequest.maxBytes}. */
export const MAX_CALENDAR_BYTES = 16 * 1024 * 1024;

/** A request to a backend. */
export interface HttpRequest {
  readonly method: string;
  /** Absolute URL. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
  /** Largest answer that is read, after decompression, in bytes. Left out: {@link MAX_ANSWER_BYTES}. */
  readonly maxBytes?: number;
  /** True: body and answer's body are bytes, one character each (`latin1`). Left out: text in UTF-8. */
  readonly bytes?: boolean;
  /** True when repeating the request could do something twice: a lost answer is then `unknown`, else `unavailable`. */
  readonly write: boolean;
  /** True for a whole agenda, or many of its events: it may take as long as the context says of listings. */
  readonly isListing?: boolean;
}

/** Any HTTP answer, success or not; header names are lower case. Redirects are not followed. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The body as it came, decompressed; for large ones, which a thread reads. */
  readonly content: Uint8Array;
  /** The body as text, made when it is asked for. */
  readonly body: string;
}

/** Bounded HTTP for connectors: keep-alive, no redirects, size limits, guarded addresses, typed network failures. */
export interface Http {
  /**
   * Resolves with any answer. Throws `unavailable` when nothing was sent, `unknown` when a write may have landed, `auth` when
   * the client's certificate was refused, `invalid` when what was asked for is larger than `maxBytes`.
   */
  send(request: HttpRequest): Promise<HttpAnswer>;
  close(): void;
}

const PRIVATE = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  PRIVATE.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of [
  // Also the deprecated IPv4-compatible ones.
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 32],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  PRIVATE.addSubnet(net, bits, 'ipv6');

/** True for loopback, private, link-local, multicast, translated and otherwise non-public addresses. */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return true;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return PRIVATE.check(mapped, 'ipv4');
  return PRIVATE.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Resolves like `dns.lookup`, and refuses private addresses at connect time: what is judged is what is connected to, so
 * that rebinding does not help. One private address among public ones is enough.
 */
export const guardedLookup =
  (resolve: Resolve): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0);
      const hit = addresses.find(({ address }) => isPrivateAddress(address));
      const first = addresses[0];
      if (hit || !first)
        return callback(Object.assign(new Error('address not allowed'), { code: 'EADDRNOTALLOWED' }), '', 0);
      if (options.all) return callback(null, addresses);
      return callback(null, first.address, first.family);
    });
  };

const publicLookup = guardedLookup(dnsLookup);

/** What a session shows of itself over HTTPS, and whom it believes; all in PEM. */
export interface TlsSettings {
  /** The client's certificate, followed by those that lead from it to its authority; with its private key, or left out. */
  readonly certificate?: string | undefined;
  readonly privateKey?: string | undefined;
  /** The authority of the backend's own certificate; left out: the public ones. */
  readonly authority?: string | undefined;
}

/** The backend's own certificate is none that is believed. */
const NOT_BELIEVED = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);
/** Alerts (RFC 8446 6.2) with which a backend ends the handshake over the client's certificate, or for want of one. */
const REFUSED_US = new Set([42, 43, 44, 45, 46, 48, 49, 116]);
const HANDSHAKE_FAILURE = 40;

/** Network failures after which the request certainly never reached the backend. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTALLOWED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  ...NOT_BELIEVED,
]);

/** The number of the TLS alert that ended a connection; `NaN`: it was none. */
function alertIn(error: unknown): number {
  return Number(/SSL alert number (\d+)/.exec(error instanceof Error ? error.message : '')?.[1]);
}

function networkError(error: unknown, write: boolean): ConnectorError {
  if (ConnectorError.is(error)) return write ? new ConnectorError('unknown', error.message) : error;
  const { code = 'ERR' } = error as { readonly code?: string };
  const alert = alertIn(error);
  if (REFUSED_US.has(alert))
    return new ConnectorError('auth', `the backend refused the client certificate (TLS alert ${String(alert)})`);
  const sent = write && !NEVER_SENT.has(code) && alert !== HANDSHAKE_FAILURE;
  const what = NOT_BELIEVED.has(code)
    ? "the backend's certificate is not believed"
    : 'no usable answer from the backend';
  return new ConnectorError(sent ? 'unknown' : 'unavailable', `${what} (${code})`);
}

function refusePrivateLiteral(url: string): void {
  if (!URL.canParse(url)) throw new ConnectorError('invalid', 'not a URL');
  const { hostname, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (protocol !== 'https:' && protocol !== 'http:')
    throw new ConnectorError('invalid', 'only http and https URLs are allowed');
  if (isIP(host) !== 0 && isPrivateAddress(host))
    throw new ConnectorError('invalid', 'the URL points to a private address');
}

const LONGEST_WAIT_MS = 86_400_000;

/**
 * Reads `Retry-After` (RFC 9110 10.2.3: seconds or an HTTP date) as milliseconds, a day at most; `undefined` when absent
 * or unreadable.
 */
export function retryAfterMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Math.min(LONGEST_WAIT_MS, Number(value) * 1000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.min(LONGEST_WAIT_MS, Math.max(0, date - now));
}

function textOf(content: Uint8Array, encoding: 'utf8' | 'latin1'): string {
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString(encoding);
  return encoding === 'utf8' ? text.replace(/^\uFEFF/, '') : text;
}

/** A body in memory that grows with it: parts in a list, joined at the end, would be there twice. */
async function gathered(body: AsyncIterable<Uint8Array>, most: number): Promise<Uint8Array> {
  const memory = new ArrayBuffer(0, { maxByteLength: most });
  const bytes = new Uint8Array(memory);
  try {
    for await (const part of body) {
      const size = bytes.length;
      if (size + part.length > most) throw new ConnectorError('invalid', 'the answer is larger than what is read');
      memory.resize(size + part.length);
      bytes.set(part, size);
    }
    return bytes;
  } catch (error) {
    // Left to be tidied up later, it would still be there when the next answer comes.
    memory.resize(0);
    throw error;
  }
}

function answerOf(
  { status, headers }: AxiosResponse<unknown>,
  content: Uint8Array,
  encoding: 'utf8' | 'latin1',
): HttpAnswer {
  const lower = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    value === undefined ? undefined : String(value),
  ]);
  return {
    status,
    headers: Object.fromEntries(lower) as HttpAnswer['headers'],
    content,
    get body() {
      return textOf(content, encoding);
    },
  };
}

/** Opens the HTTP side of a session. */
export function createHttp(context: ConnectorContext, tls: TlsSettings = {}): Http {
  const { certificate: cert, privateKey: key, authority: ca } = tls;
  const options = { maxSockets: 4, ...(context.allowPrivateNetworks ? {} : { lookup: publicLookup }) };
  const agentsOf = (keepAlive: boolean) => ({
    httpAgent: new HttpAgent({ ...options, keepAlive }),
    httpsAgent: new HttpsAgent({ ...options, cert, key, ca, keepAlive }),
  });
  const keeping = agentsOf(true);
  const closing = agentsOf(false);
  let agents = keeping;
  const client: AxiosInstance = axios.create({
    proxy: false,
    maxRedirects: 0,
    maxBodyLength: MAX_CALENDAR_BYTES,
    responseType: 'stream',
    transformResponse: (data: unknown) => data,
    validateStatus: () => true,
  });
  const exchange = async (request: HttpRequest): Promise<HttpAnswer> => {
    const { method, url, headers, body, signal, bytes = false, maxBytes = MAX_ANSWER_BYTES } = request;
    const timeoutMs = request.isListing === true ? listingTimeoutOf(context) : context.timeoutMs;
    const answer = await client.request<Readable>({
      ...agents,
      method,
      url,
      headers: { 'User-Agent': 'Unisson/1', ...headers },
      data: bytes && body !== undefined ? Buffer.from(body, 'latin1') : body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    return answerOf(answer, await gathered(answer.data, maxBytes), bytes ? 'latin1' : 'utf8');
  };
  return {
    async send(request) {
      if (!context.allowPrivateNetworks) refusePrivateLiteral(request.url);
      try {
        return await exchange(request);
      } catch (error) {
        if (!wasClosedBefore(error)) throw networkError(error, request.write);
        agents = closing;
        // What only reads may be asked again (RFC 9110 9.2.2).
        if (request.write) throw networkError(error, true);
      }
      return exchange(request).catch((error: unknown) => {
        throw networkError(error, request.write);
      });
    },
    close() {
      for (const agent of [keeping, closing].flatMap(({ httpAgent, httpsAgent }) => [httpAgent, httpsAgent]))
        agent.destroy();
    },
  };
}

/** A connection that the server had closed after an earlier answer without saying so: it will do so again. */
function wasClosedBefore(error: unknown): boolean {
  if (!(error instanceof AxiosError) || error.response !== undefined || error.code !== 'ECONNRESET') return false;
  return (error.request as { reusedSocket?: boolean } | undefined)?.reusedSocket === true;
}
