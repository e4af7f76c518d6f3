import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * The parts of HashiCorp Vault (and OpenBao, which kept its API) that wrap keys, as a server of its own, written from the
 * documentation: transit (https://developer.hashicorp.com/vault/api-docs/secret/transit: keys, rotate, config, encrypt, decrypt,
 * rewrap), AppRole (…/auth/approle: login), status codes (…/api-docs#http-status-codes), namespaces, and policies by path with
 * the capabilities `read`, `update` and `create`. Keys are AES-256-GCM of 96 bit nonces; derived ones by HKDF-SHA-256 of the
 * context. It answers an unknown path with 404, an unknown or powerless token with 403, a sealed one with 503, too many with 429.
 */
export class TransitServer {
  readonly rootToken = `hvs.${randomUUID()}`;
  readonly requests: { path: string; status: number; namespace: string }[] = [];
  private readonly keys = new Map<string, TransitKey>();
  private readonly tokens = new Map<string, { policy: Policy; until: number }>();
  private readonly roles = new Map<string, { secretId: string; policy: Policy; ttlSeconds: number }>();
  private faults: { status: number; times: number; retryAfter?: string }[] = [];
  sealed = false;
  delayMs = 0;

  private constructor(
    private readonly server: Server & { closeAllConnections(): void },
    readonly url: string,
    private readonly namespace: string,
  ) {}

  static async start(
    options: {
      readonly tls?: { readonly cert: string; readonly key: string };
      readonly namespace?: string;
      readonly port?: number;
    } = {},
  ): Promise<TransitServer> {
    let transit: TransitServer | null = null;
    const answer = (request: IncomingMessage, response: ServerResponse): void =>
      void transit?.handle(request, response);
    const server = options.tls ? createHttps(options.tls, answer) : createHttp(answer);
    await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const url = `${options.tls ? 'https' : 'http'}://127.0.0.1:${String(port)}`;
    transit = new TransitServer(server, url, options.namespace ?? '');
    transit.tokens.set(transit.rootToken, { policy: { '*': ['read', 'update', 'create'] }, until: Infinity });
    return transit;
  }

  createKey(name: string, { derived = true } = {}): void {
    this.keys.set(name, { derived, versions: [randomBytes(32)], minDecryption: 1 });
  }

  rotateKey(name: string): void {
    this.keys.get(name)?.versions.push(randomBytes(32));
  }

  /** Older versions open nothing any more. */
  retireBefore(name: string, version: number): void {
    const key = this.keys.get(name);
    if (key !== undefined) key.minDecryption = version;
  }

  addRole(policy: Policy, ttlSeconds = 3600): { roleId: string; secretId: string } {
    const [roleId, secretId] = [randomUUID(), randomUUID()];
    this.roles.set(roleId, { secretId, policy, ttlSeconds });
    return { roleId, secretId };
  }

  addToken(policy: Policy): string {
    const token = `hvs.${randomUUID()}`;
    this.tokens.set(token, { policy, until: Infinity });
    return token;
  }

  /** Every token of a login is void, as after a restart of a server without storage, or a revocation. */
  revokeTokens(): void {
    for (const token of this.tokens.keys()) if (token !== this.rootToken) this.tokens.delete(token);
  }

  fail(status: number, times = 1, retryAfter?: string): void {
    this.faults.push({ status, times, ...(retryAfter === undefined ? {} : { retryAfter }) });
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = (request.url ?? '').replace(/^\/v1\//, '');
    const namespace = String(request.headers['x-vault-namespace'] ?? '');
    const token = String(request.headers['x-vault-token'] ?? '');
    if (this.delayMs > 0) await delay(this.delayMs, undefined, { ref: false });
    const { status, body, retryAfter } = this.answer({ path, namespace, token, method: request.method ?? '' }, chunks);
    this.requests.push({ path, status, namespace });
    response.writeHead(status, {
      'content-type': 'application/json',
      ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
    });
    response.end(JSON.stringify(body));
  }

  private answer(asked: Asked, chunks: readonly Buffer[]): Answer {
    const fault = this.faults.find(({ times }) => times > 0);
    if (fault !== undefined) {
      fault.times -= 1;
      return { ...refusal(fault.status, 'a fault'), ...(fault.retryAfter ? { retryAfter: fault.retryAfter } : {}) };
    }
    if (this.sealed) return refusal(503, 'Vault is sealed');
    if (asked.namespace !== this.namespace)
      return refusal(404, `no handler for route "${asked.path}". route entry not found.`);
    let input: Record<string, string>;
    try {
      input = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, string>;
    } catch {
      return refusal(400, 'failed to parse JSON input');
    }
    if (asked.path === 'auth/approle/login') return this.login(input);
    const login = this.tokens.get(asked.token);
    const capability = asked.method === 'GET' ? 'read' : 'update';
    if (login === undefined || login.until < Date.now() || !allows(login.policy, asked.path, capability))
      return refusal(403, 'permission denied');
    return this.transit(asked, input);
  }

  private login({ role_id: id = '', secret_id: secret }: Record<string, string>): Answer {
    const role = this.roles.get(id);
    if (role === undefined) return refusal(400, 'invalid role ID');
    if (role.secretId !== secret) return refusal(400, 'invalid secret id');
    const token = `hvs.${randomUUID()}`;
    this.tokens.set(token, { policy: role.policy, until: Date.now() + role.ttlSeconds * 1000 });
    return ok({
      auth: { client_token: token, lease_duration: role.ttlSeconds, renewable: true, token_type: 'service' },
    });
  }

  private transit({ path, method }: Asked, input: Record<string, string>): Answer {
    const [mount, operation = '', name = ''] = path.split('/');
    if (mount !== 'transit') return refusal(404, `no handler for route "${path}". route entry not found.`);
    const key = this.keys.get(name);
    if (key === undefined)
      return operation === 'keys' ? { status: 404, body: { errors: [] } } : refusal(400, 'encryption key not found');
    if (operation === 'keys' && method === 'GET')
      return ok({
        data: {
          name,
          type: 'aes256-gcm96',
          derived: key.derived,
          latest_version: key.versions.length,
          min_decryption_version: key.minDecryption,
          supports_encryption: true,
        },
      });
    if (key.derived && !input['context'])
      return refusal(
        400,
        "missing 'context' for key derivation; the key was created using a derived key, which means additional, per-request information must be included in order to perform operations with the key",
      );
    const context = Buffer.from(input['context'] ?? '', 'base64');
    if (operation === 'encrypt') return seal(key, context, Buffer.from(input['plaintext'] ?? '', 'base64'));
    const plain = open(key, context, input['ciphertext'] ?? '');
    if (plain === null) return refusal(400, 'cipher: message authentication failed');
    if (operation === 'decrypt') return ok({ data: { plaintext: plain.toString('base64') } });
    return operation === 'rewrap' ? seal(key, context, plain) : refusal(404, 'unsupported path');
  }
}

/** Path, where `*` at the end stands for the rest, to capabilities. */
export type Policy = Readonly<Record<string, readonly ('read' | 'update' | 'create')[]>>;

interface TransitKey {
  readonly derived: boolean;
  readonly versions: Buffer[];
  minDecryption: number;
}

interface Asked {
  readonly path: string;
  readonly method: string;
  readonly namespace: string;
  readonly token: string;
}

interface Answer {
  readonly status: number;
  readonly body: object;
  readonly retryAfter?: string;
}

const ok = (body: object): Answer => ({ status: 200, body: { request_id: randomUUID(), ...body } });
const refusal = (status: number, text: string): Answer => ({ status, body: { errors: [text] } });

function allows(policy: Policy, path: string, capability: 'read' | 'update'): boolean {
  return Object.entries(policy).some(([rule, capabilities]) => {
    const fits = rule.endsWith('*') ? path.startsWith(rule.slice(0, -1)) : path === rule;
    return fits && capabilities.includes(capability);
  });
}

function derive(key: TransitKey, version: number, context: Buffer): Buffer {
  const whole = key.versions[version - 1] ?? Buffer.alloc(32);
  return key.derived ? Buffer.from(hkdfSync('sha256', whole, '', context, 32)) : whole;
}

function seal(key: TransitKey, context: Buffer, plain: Buffer): Answer {
  const version = key.versions.length;
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', derive(key, version, context), nonce);
  const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return ok({ data: { ciphertext: `vault:v${String(version)}:${sealed.toString('base64')}`, key_version: version } });
}

function open(key: TransitKey, context: Buffer, ciphertext: string): Buffer | null {
  const [prefix, number = '', encoded = ''] = ciphertext.split(':');
  const version = Number(number.slice(1));
  if (prefix !== 'vault' || !(version >= key.minDecryption && version <= key.versions.length)) return null;
  const bytes = Buffer.from(encoded, 'base64');
  try {
    const decipher = createDecipheriv('aes-256-gcm', derive(key, version, context), bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(-16));
    return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
  } catch {
    return null;
  }
}
