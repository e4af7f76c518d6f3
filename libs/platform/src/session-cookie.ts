import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from './problems.js';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const SAFE_METHODS = new Set(['GET', 'HEAD']);

/** The two cookies of the console; neither is read by a script, nor sent to another host. */
export class SessionCookie {
  /** Whether anybody can sign in: over HTTPS, or on this machine. */
  readonly usable: boolean;
  private readonly origin: string;
  private readonly secure: boolean;

  constructor(publicUrl: string | null) {
    const url = publicUrl === null ? null : new URL(publicUrl);
    this.origin = url?.origin ?? '';
    this.secure = url?.protocol === 'https:';
    this.usable = url !== null && (this.secure || LOOPBACK.test(url.hostname));
  }

  /** The session that a browser shows. Throws `two-credentials` beside another, `cross-site` when another site asks. */
  session(request: FastifyRequest): string | null {
    const text = this.read(request, 'session');
    if (text === null) return null;
    if (request.headers.authorization !== undefined) throw new Problem('two-credentials');
    this.refuseOtherSites(request);
    return text;
  }

  keepSession(reply: FastifyReply, text: string): void {
    // As long as a session can last. Strict: no other site's link or form comes with it; the console's own page asks from here.
    this.set(reply, 'session', `${text}; SameSite=Strict; Max-Age=43200`);
  }

  forgetSession(reply: FastifyReply): void {
    this.set(reply, 'session', '; SameSite=Strict; Max-Age=0');
  }

  /** The secret of a browser that is away at the provider; it comes back by a link from there, hence Lax. */
  away(request: FastifyRequest): string | null {
    return this.read(request, 'away');
  }

  keepAway(reply: FastifyReply, secret: string): void {
    this.set(reply, 'away', `${secret}; SameSite=Lax; Max-Age=600`);
  }

  forgetAway(reply: FastifyReply): void {
    this.set(reply, 'away', '; SameSite=Lax; Max-Age=0');
  }

  /** Browsers say where a request comes from; one that changes something and does not say it is refused. */
  private refuseOtherSites({ headers, method }: FastifyRequest): void {
    const site = headers['sec-fetch-site'];
    const { origin } = headers;
    const own = site === undefined ? origin === this.origin : site === 'same-origin';
    const silent = site === undefined && origin === undefined && SAFE_METHODS.has(method);
    if (!own && !silent) throw new Problem('cross-site');
  }

  private name(kind: 'session' | 'away'): string {
    // The prefix makes the browser insist on Secure, Path=/ and no Domain (RFC 6265bis 4.1.3.2).
    return this.secure ? `__Host-unisson-${kind}` : `unisson-${kind}`;
  }

  private read({ headers }: FastifyRequest, kind: 'session' | 'away'): string | null {
    const name = this.name(kind);
    for (const part of headers.cookie?.split(';') ?? []) {
      const [key, value] = part.trim().split('=', 2);
      if (key === name && value !== undefined && value !== '') return value;
    }
    return null;
  }

  private set(reply: FastifyReply, kind: 'session' | 'away', rest: string): void {
    const cookie = `${this.name(kind)}=${rest}; Path=/; HttpOnly${this.secure ? '; Secure' : ''}`;
    const others = [reply.getHeader('set-cookie') ?? []].flat().map(String);
    void reply.removeHeader('set-cookie').header('set-cookie', [...others, cookie]);
  }
}
