import {
  ConnectorError,
  createHttp,
  MAX_CALENDAR_BYTES,
  type CallOptions,
  type ConnectorContext,
  type Http,
  type HttpAnswer,
} from '#connector-sdk';
import { isSignature, signatureOf, textOf, type Bytes } from './bytes.js';
import type { Secrets, Settings } from './config.js';
import { errorOf, noExport } from './errors.js';

/** A file and its signature are two files: between them the program may have written both anew. */
const TRIES = 3;

/** The shared folder over HTTP: files are fetched, put and removed. */
export class Folder {
  readonly #base: string;
  readonly #secrets: Secrets;
  readonly #http: Http;
  readonly #context: ConnectorContext;

  constructor(settings: Settings, secrets: Secrets, context: ConnectorContext) {
    this.#base = settings.baseUrl.replace(/\/+$/, '');
    this.#secrets = secrets;
    this.#http = createHttp(context);
    this.#context = context;
  }

  /** An export with a right signature, as text; `null` where there is no such file. */
  async export(name: string, options: CallOptions): Promise<string | null> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const bytes = await this.read(['exports', name], options);
      if (bytes === null) return null;
      const signature = await this.read(['exports', `${name}.hmac`], options);
      if (signature !== null && isSignature(signature, bytes, this.#secrets.signingKey)) return textOf(bytes);
    }
    throw noExport('an export is not whole, or not signed with the shared key');
  }

  /** `null` where there is no such file. */
  async read(path: readonly string[], options: CallOptions): Promise<Bytes | null> {
    const answer = await this.#send('GET', path, options);
    if (answer.status === 404) return null;
    if (answer.status !== 200) throw this.#error(answer, false);
    return answer.body;
  }

  /** Puts an order with its signature, the signature first; false when a file of that name is there already. */
  async put(name: string, bytes: Bytes, options: CallOptions): Promise<boolean> {
    const signed = await this.#send('PUT', ['signatures', name], options, signatureOf(bytes, this.#secrets.signingKey));
    if (!isStored(signed)) throw this.#error(signed, true);
    const put = await this.#send('PUT', ['depot', name], options, bytes);
    if (put.status === 412) return false;
    if (!isStored(put)) throw this.#error(put, true);
    return true;
  }

  /** Takes an answer away once it was read; that it stays does little harm. */
  async remove(path: readonly string[], options: CallOptions): Promise<void> {
    try {
      await this.#send('DELETE', path, options);
    } catch (error) {
      if (!ConnectorError.is(error)) throw error;
    }
  }

  close(): void {
    this.#http.close();
  }

  #error(answer: HttpAnswer, write: boolean): ConnectorError {
    return errorOf(answer, { write, now: this.#context.now() });
  }

  async #send(
    method: 'GET' | 'PUT' | 'DELETE',
    path: readonly string[],
    { signal }: CallOptions,
    body?: Bytes,
  ): Promise<HttpAnswer> {
    // Nothing was sent yet, so even a write is certainly not done.
    if (signal.aborted) throw new ConnectorError('unavailable', 'the call was given up before it was sent');
    const { username, password } = this.#secrets;
    return this.#http.send({
      method,
      url: `${this.#base}/${path.map(encodeURIComponent).join('/')}`,
      signal,
      write: method !== 'GET',
      bytes: true,
      maxBytes: MAX_CALENDAR_BYTES,
      headers: {
        authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
        'cache-control': 'no-cache',
        ...(body === undefined ? {} : { 'content-type': 'application/octet-stream' }),
      },
      ...(body === undefined ? {} : { body }),
    });
  }
}

function isStored({ status }: HttpAnswer): boolean {
  return status === 201 || status === 204;
}
