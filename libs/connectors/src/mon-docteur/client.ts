import { ConnectorError, createHttp, type CallOptions, type ConnectorContext, type Http } from '#connector-sdk';
import type { Secrets, Settings } from './config.js';
import { errorOf, faultOf, senseless } from './errors.js';
import { parseXml, requestOf, type Element } from './xml.js';

/** What only asks. Everything is sent by POST, so the method does not tell. */
export type Question = 'agendas' | 'journees' | 'rdv/lire' | 'rdv/chercher';
export type Change = 'rdv/creer' | 'rdv/deplacer' | 'rdv/supprimer' | 'abonnements/creer' | 'abonnements/supprimer';

/** Speaks the vendor's dialect: XML by POST, Basic authentication, business errors with status 200. */
export class Client {
  readonly #base: string;
  readonly #authorization: string;
  readonly #http: Http;

  constructor(
    private readonly settings: Settings,
    { login, password }: Secrets,
    private readonly context: ConnectorContext,
  ) {
    this.#base = settings.baseUrl.replace(/\/+$/, '');
    this.#authorization = `Basic ${Buffer.from(`${login}:${password}`).toString('base64')}`;
    this.#http = createHttp(context);
  }

  ask(
    operation: Question,
    fields: Readonly<Record<string, string>>,
    options: CallOptions,
  ): Promise<readonly Element[]> {
    return this.#send(operation, { fields, write: false }, options);
  }

  change(
    operation: Change,
    fields: Readonly<Record<string, string>>,
    options: CallOptions,
  ): Promise<readonly Element[]> {
    return this.#send(operation, { fields, write: true }, options);
  }

  close(): void {
    this.#http.close();
  }

  async #send(
    operation: Question | Change,
    { fields, write }: { fields: Readonly<Record<string, string>>; write: boolean },
    { signal }: CallOptions,
  ): Promise<readonly Element[]> {
    // Nothing was sent yet, so even a write is certainly not done.
    if (signal.aborted) throw new ConnectorError('unavailable', 'the call was given up before it was sent');
    const answer = await this.#http.send({
      method: 'POST',
      url: `${this.#base}/${operation}`,
      signal,
      write,
      headers: {
        accept: 'text/xml',
        authorization: this.#authorization,
        'content-type': 'text/xml; charset=utf-8',
      },
      body: requestOf(fields),
    });
    if (answer.status !== 200)
      throw errorOf(answer, { write, now: this.context.now(), successor: this.settings.successor });
    const root = parseXml(answer.body);
    if (root?.name !== 'Reponse') throw senseless(write);
    const fault = faultOf(root, write);
    if (fault) throw fault;
    return root.children;
  }
}
