import http from 'node:http';
import type pg from 'pg';
import { grantEverything } from './grants.js';
import { newId } from '#application';
import { issueApiKey, SCOPES } from '#platform';

/** What the API answered. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: http.IncomingHttpHeaders;
  /** From the call to the last byte, in milliseconds. */
  readonly ms: number;
}

export interface Question {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

const TIMEOUT_MS = 30_000;

/** Makes an API key with every right. */
export async function createApiKey(pool: pg.Pool, organization: string): Promise<string> {
  const id = newId();
  const { text, secretHash } = issueApiKey(organization, id);
  await pool.query(
    'INSERT INTO api_key (organization_id, id, label, secret_hash, scopes) VALUES ($1, $2, $3, $4, $5)',
    [organization, id, 'Test', secretHash, SCOPES],
  );
  await grantEverything(pool, organization, { application: id });
  return text;
}

/** A secretary's application, over connections that it keeps. */
export class ApiClient {
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 256 });

  constructor(private readonly identity: { readonly apiKey: string; readonly collaborator: string }) {}

  /** Rejects when there is no whole answer. */
  ask(base: string, { method, path, body, headers = {} }: Question): Promise<Answer> {
    const started = performance.now();
    const payload = body === undefined ? null : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const request = http.request(new URL(path, base), {
        method,
        agent: this.#agent,
        timeout: TIMEOUT_MS,
        headers: {
          authorization: `Bearer ${this.identity.apiKey}`,
          'unisson-collaborator': this.identity.collaborator,
          ...(payload === null
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
          ...headers,
        },
      });
      request.on('timeout', () => request.destroy(new Error('no answer in time')));
      request.on('error', reject);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          if (!response.complete) return reject(new Error('the answer was cut off'));
          const text = Buffer.concat(chunks).toString();
          const parsed = text === '' ? {} : (JSON.parse(text) as Answer['body']);
          resolve({
            status: response.statusCode ?? 0,
            body: parsed,
            headers: response.headers,
            ms: performance.now() - started,
          });
        });
      });
      request.end(payload ?? undefined);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
