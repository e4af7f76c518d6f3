import type { CallOptions, ConnectorContext, Http } from '#connector-sdk';
import { z } from 'zod';
import type { Secrets, Settings } from './config.js';
import { errorOf, unreadable } from './errors.js';

/** Only what the hub uses of each answer: whatever the vendor adds is ignored. */
const account = z.object({ name: z.string().min(1) });
const agendas = z.array(z.object({ id: z.string().min(1), name: z.string() }));
/** Entries stay unparsed here, so that one unreadable entry does not hide the others. */
const entries = z.object({ entries: z.array(z.unknown()) });

/** Speaks the vendor's HTTP dialect: URLs, key, JSON, failures as kinds. */
export class Client {
  readonly #base: string;
  readonly #secrets: Secrets;
  readonly #http: Http;
  readonly #context: ConnectorContext;

  constructor(
    settings: Settings,
    secrets: Secrets,
    parts: { readonly http: Http; readonly context: ConnectorContext },
  ) {
    this.#base = settings.baseUrl.replace(/\/+$/, '');
    this.#secrets = secrets;
    this.#http = parts.http;
    this.#context = parts.context;
  }

  account(options: CallOptions): Promise<z.output<typeof account>> {
    return this.#get(['account'], account, options);
  }

  agendas(options: CallOptions): Promise<z.output<typeof agendas>> {
    return this.#get(['agendas'], agendas, options);
  }

  async entries(agendaId: string, options: CallOptions): Promise<readonly unknown[]> {
    return (await this.#get(['agendas', agendaId, 'entries'], entries, options)).entries;
  }

  close(): void {
    this.#http.close();
  }

  async #get<Schema extends z.ZodType>(
    path: readonly string[],
    schema: Schema,
    { signal }: CallOptions,
  ): Promise<z.output<Schema>> {
    const answer = await this.#http.send({
      method: 'GET',
      url: `${this.#base}/${path.map(encodeURIComponent).join('/')}`,
      headers: { accept: 'application/json', authorization: `Bearer ${this.#secrets.apiKey}` },
      signal,
      write: false,
    });
    if (answer.status !== 200) throw errorOf(answer, this.#context.now());
    let body: unknown;
    try {
      body = JSON.parse(answer.body);
    } catch {
      throw unreadable(answer.status);
    }
    const read = schema.safeParse(body);
    if (!read.success) throw unreadable(answer.status);
    return read.data;
  }
}
