import { createHash } from 'node:crypto';
import { z } from 'zod';
import { KeyEncryption, KeyServiceUnavailable, type KeyServiceReason } from '#application';
import { ConnectorError, createHttp, retryAfterMs, type Http, type HttpAnswer, type HttpRequest } from '#connector-sdk';
import { VaultError, type KeyRing } from './key-ring.js';

/** A key of the “transit” engine of HashiCorp Vault or OpenBao, and how to get at it. */
export interface TransitSettings {
  /** Without a final slash. */
  readonly url: string;
  readonly mount: string;
  readonly key: string;
  readonly namespace: string | null;
  readonly login: { readonly token: string } | { readonly roleId: string; readonly secretId: string };
  /** Authority of the service's certificate in PEM; `null`: the public ones. */
  readonly authority: string | null;
  /** How long a key that was unwrapped is used without asking again (milliseconds). */
  readonly cacheMs: number;
  /** One call (milliseconds). */
  readonly timeoutMs?: number;
  /** Milliseconds that never go back; those of this process when left out. */
  readonly clock?: () => number;
}

/** Whether the key service did what it was last asked. Instants in epoch milliseconds. */
export interface KeyServiceState {
  readonly reason: KeyServiceReason | null;
  readonly since: number;
}

const TIMEOUT_MS = 2_000;
const ATTEMPTS = 3;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 1_000;
/** After a failure everybody is told at once, for so long. */
const PAUSE_MS = 1_000;
const MAX_BYTES = 65_536;
const MOST_KEYS = 20_000;
/** A login is renewed when this share of its time is over. */
const LOGIN_SHARE = 0.7;
const SEALED = 503;

const ciphertext = z.object({ data: z.object({ ciphertext: z.string().regex(/^vault:v\d{1,9}:/) }) });
const plaintext = z.object({ data: z.object({ plaintext: z.base64() }) });
const keyDetails = z.object({ data: z.object({ type: z.string(), derived: z.boolean() }) });
const login = z.object({ auth: z.object({ client_token: z.string().min(1), lease_duration: z.number() }) });

interface Unwrapped {
  readonly key: Buffer;
  readonly at: number;
}

/**
 * Wraps the keys of organizations in a key management service: the key that wraps never leaves it. What was unwrapped is kept
 * in memory, asked for again after half of `cacheMs`, and gone after all of it, whether the service answers or not. What an
 * older master key wraps is unwrapped by the ring: `keys rotate` carries it over.
 */
export class TransitKeys extends KeyEncryption {
  readonly current: string;
  /** Hears of every change of {@link state}. */
  told: (state: KeyServiceState) => void = () => undefined;
  private now: KeyServiceState = { reason: null, since: Date.now() };
  private readonly http: Http;
  private readonly unwrapped = new Map<string, Unwrapped>();
  private token: { readonly text: string; readonly until: number } | null = null;
  private derived = false;
  private pausedUntil = -Infinity;
  private readonly clock: () => number;
  private readonly timeoutMs: number;

  constructor(
    private readonly settings: TransitSettings,
    private readonly ring: KeyRing,
  ) {
    super();
    this.clock = settings.clock ?? (() => performance.now());
    this.current = `kms:${settings.mount}/${settings.key}`;
    this.timeoutMs = settings.timeoutMs ?? TIMEOUT_MS;
    const context = { timeoutMs: this.timeoutMs, allowPrivateNetworks: true, now: Date.now };
    this.http = createHttp(context, { authority: settings.authority ?? undefined });
  }

  get state(): KeyServiceState {
    return this.now;
  }

  override async wrap(context: string, key: Buffer): Promise<Buffer> {
    await this.mustDerive();
    const asked = { plaintext: key.toString('base64'), context: bound(context) };
    const wrapped = Buffer.from((await this.ask('encrypt', asked, ciphertext)).data.ciphertext);
    this.keep(memoryOf(context, wrapped), key);
    return wrapped;
  }

  override async unwrap(by: string, context: string, wrapped: Buffer): Promise<Buffer> {
    if (by !== this.current) return this.ring.unwrap(by, context, wrapped);
    const name = memoryOf(context, wrapped);
    const known = this.unwrapped.get(name);
    const age = known === undefined ? Infinity : this.clock() - known.at;
    if (known !== undefined && age < this.settings.cacheMs / 2) return known.key;
    try {
      const asked = { ciphertext: wrapped.toString('utf8'), context: bound(context) };
      const { data } = await this.ask('decrypt', asked, plaintext);
      return this.keep(name, Buffer.from(data.plaintext, 'base64'));
    } catch (error) {
      if (known !== undefined && age < this.settings.cacheMs && error instanceof KeyServiceUnavailable)
        return known.key;
      this.unwrapped.delete(name);
      throw error;
    }
  }

  override async rewrap(by: string, context: string, wrapped: Buffer): Promise<Buffer | null> {
    if (by !== this.current) return this.wrap(context, await this.ring.unwrap(by, context, wrapped));
    const asked = { ciphertext: wrapped.toString('utf8'), context: bound(context) };
    const again = (await this.ask('rewrap', asked, ciphertext)).data.ciphertext;
    return versionOf(again) === versionOf(asked.ciphertext) ? null : Buffer.from(again);
  }

  private keep(name: string, key: Buffer): Buffer {
    if (this.unwrapped.size >= MOST_KEYS) this.unwrapped.clear();
    this.unwrapped.set(name, { key, at: this.clock() });
    return key;
  }

  /** Only a derived key binds what it wraps to its context; any other would not say so, and leave it unbound. */
  private async mustDerive(): Promise<void> {
    if (this.derived) return;
    const { data } = await this.ask('keys', null, keyDetails);
    if (!data.derived) throw this.failed('misconfigured');
    this.derived = true;
  }

  private async ask<T>(
    operation: 'encrypt' | 'decrypt' | 'rewrap' | 'keys',
    body: object | null,
    schema: z.ZodType<T>,
  ): Promise<T> {
    if (this.clock() < this.pausedUntil) throw new KeyServiceUnavailable(this.now.reason ?? 'unreachable');
    const { mount, key } = this.settings;
    const path = `${mount}/${operation}/${key}`;
    let answer = await this.send(path, body, await this.authenticated());
    if (answer.status === 403 && 'roleId' in this.settings.login) {
      this.token = null;
      answer = await this.send(path, body, await this.authenticated());
    }
    if (answer.status === 400)
      throw this.answered(new VaultError('the key service did not wrap this, or for another record'));
    return this.read(answer, schema);
  }

  private async authenticated(): Promise<Readonly<Record<string, string>>> {
    const { login: by } = this.settings;
    if ('token' in by) return { 'X-Vault-Token': by.token };
    if (this.token === null || this.token.until < this.clock()) {
      const answer = await this.send('auth/approle/login', { role_id: by.roleId, secret_id: by.secretId }, {});
      // A wrong identifier is a bad request there.
      if (answer.status === 400) throw this.failed('denied');
      const { auth } = this.read(answer, login);
      const lasts = auth.lease_duration === 0 ? Infinity : auth.lease_duration * 1000 * LOGIN_SHARE;
      this.token = { text: auth.client_token, until: this.clock() + lasts };
    }
    return { 'X-Vault-Token': this.token.text };
  }

  /** Asked again where that may help; wrapping twice is the same as wrapping once. */
  private async send(
    path: string,
    body: object | null,
    headers: Readonly<Record<string, string>>,
  ): Promise<HttpAnswer> {
    const request = this.request(path, body, headers);
    for (let n = 1; ; n += 1) {
      const answer = await this.http
        .send({ ...request, signal: AbortSignal.timeout(this.timeoutMs) })
        .catch((error: unknown) => {
          if (ConnectorError.is(error)) return null;
          throw error;
        });
      if (answer !== null && answer.status < 429) return answer;
      if (n >= ATTEMPTS) throw this.failed(reasonOf(answer?.status));
      const wait = retryAfterMs(answer?.headers['retry-after'], Date.now()) ?? FIRST_WAIT_MS * 3 ** (n - 1);
      await new Promise((resolve) => setTimeout(resolve, Math.min(wait, LONGEST_WAIT_MS)));
    }
  }

  private request(
    path: string,
    body: object | null,
    headers: Readonly<Record<string, string>>,
  ): Omit<HttpRequest, 'signal'> {
    const { url, namespace } = this.settings;
    const common = {
      ...headers,
      'X-Vault-Request': 'true',
      ...(namespace === null ? {} : { 'X-Vault-Namespace': namespace }),
    };
    const asked = { url: `${url}/v1/${path}`, maxBytes: MAX_BYTES, write: false };
    if (body === null) return { ...asked, method: 'GET', headers: common };
    const json = { ...common, 'Content-Type': 'application/json' };
    return { ...asked, method: 'POST', headers: json, body: JSON.stringify(body) };
  }

  private read<T>({ status, body }: HttpAnswer, schema: z.ZodType<T>): T {
    if (status === 403) throw this.failed('denied');
    if (status !== 200) throw this.failed('misconfigured');
    const parsed = schema.safeParse(jsonOf(body));
    if (!parsed.success) throw this.failed('misconfigured');
    return this.answered(parsed.data);
  }

  private answered<T>(value: T): T {
    if (this.now.reason !== null) this.tell(null);
    return value;
  }

  private failed(reason: KeyServiceReason): KeyServiceUnavailable {
    this.pausedUntil = this.clock() + PAUSE_MS;
    if (this.now.reason !== reason) this.tell(reason);
    return new KeyServiceUnavailable(reason);
  }

  private tell(reason: KeyServiceReason | null): void {
    this.now = { reason, since: Date.now() };
    this.told(this.now);
  }
}

function bound(context: string): string {
  return Buffer.from(context).toString('base64');
}

function memoryOf(context: string, wrapped: Buffer): string {
  return createHash('sha256').update(context).update('|').update(wrapped).digest('base64');
}

/** `vault:v3:…` was wrapped by the third version. */
function versionOf(wrapped: string): string | undefined {
  return wrapped.split(':', 2)[1];
}

function reasonOf(status: number | undefined): KeyServiceReason {
  if (status === 429) return 'throttled';
  return status === SEALED ? 'sealed' : 'unreachable';
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
