import {
  ConnectorError,
  type CallOptions,
  type CancelRequest,
  type ConnectorContext,
  type CreateRequest,
  type PullItem,
  type PullRequest,
  type RemoteAgenda,
  type Session,
  type SubscribeRequest,
  type Subscription,
  type UpdateRequest,
  orGone,
  proven,
  unproven,
} from '#connector-sdk';
import type { RemoteObject } from '#domain';
import { Client } from './client.js';
import type { Secrets, Settings } from './config.js';
import { isKind, senseless } from './errors.js';
import { noteOf, toRemoteObject } from './mapping.js';
import { pull } from './pull.js';
import { parsePush } from './push.js';
import { writtenTimes } from './times.js';
import type { Element } from './xml.js';

interface Place {
  readonly agendaId: string;
  readonly reference: string;
}

/** A conversation with one account of the vendor. */
export class MonDocteurSession implements Session {
  readonly #client: Client;
  readonly #settings: Settings;
  readonly #login: string;
  readonly parsePush = parsePush;

  constructor(settings: Settings, secrets: Secrets, context: ConnectorContext) {
    this.#client = new Client(settings, secrets, context);
    this.#settings = settings;
    this.#login = secrets.login;
  }

  /** Also says when no agenda has the motif of the settings: nothing could be written then. */
  async verify(options: CallOptions): Promise<{ readonly account: string }> {
    const agendas = await this.#client.ask('agendas', {}, options);
    if (agendas.length > 0 && !agendas.some((agenda) => this.#hasMotif(agenda)))
      throw new ConnectorError('invalid', 'no agenda of the account has the motif that the settings name');
    return { account: this.#login };
  }

  async listAgendas(options: CallOptions): Promise<readonly RemoteAgenda[]> {
    const agendas = await this.#client.ask('agendas', {}, options);
    return agendas.map((agenda) => {
      const { id, nom, fuseau } = agenda.attributes;
      if (agenda.name !== 'Agenda' || id === undefined) throw senseless(false);
      return { id, name: nom ?? id, writable: this.#hasMotif(agenda), timeZone: fuseau ?? null };
    });
  }

  pull(request: PullRequest, options: CallOptions): AsyncIterable<PullItem> {
    return pull({ client: this.#client, settings: this.#settings, request, options });
  }

  /** A refusal may be about what an earlier attempt of ours left there. */
  async create({ agendaId, reference, content }: CreateRequest, options: CallOptions): Promise<RemoteObject> {
    const { motif, timeZone } = this.#settings;
    const fields = { Agenda: agendaId, ...writtenTimes(content, timeZone), Motif: motif };
    const written = { ...fields, Libelle: content.summary, Note: noteOf(reference) };
    let made: readonly Element[];
    try {
      made = await this.#client.change('rdv/creer', written, options);
    } catch (error) {
      const ours = isKind(error, 'taken') ? await this.#standing({ agendaId, reference }, content, options) : null;
      if (ours === null) throw error;
      return ours;
    }
    const id = made[0]?.attributes['id'];
    if (id === undefined) throw senseless(true);
    return proven('the appointment was written but could not be read back', this.#read(agendaId, id, options));
  }

  /** The vendor has no preconditions: what stands is compared just before. */
  async update(request: UpdateRequest, options: CallOptions): Promise<RemoteObject> {
    const { agendaId, remoteId, version, content } = request;
    const times = writtenTimes(content, this.#settings.timeZone);
    const standing = await this.#read(agendaId, remoteId, options);
    if (version !== null && standing.version !== version)
      throw new ConnectorError('stale', 'the appointment was changed meanwhile');
    const fields = { Agenda: agendaId, Rdv: remoteId, ...times, Libelle: content.summary };
    await this.#client.change('rdv/deplacer', fields, options);
    const now = await proven(
      'the appointment was moved but could not be read back',
      this.#read(agendaId, remoteId, options),
    );
    if (now.when?.start !== content.start || now.when.end !== content.end)
      throw unproven('the move of the appointment was accepted and did not happen');
    return now;
  }

  async cancel({ agendaId, reference, remoteId, version }: CancelRequest, options: CallOptions): Promise<void> {
    const found = remoteId === null ? await this.#carrying({ agendaId, reference }, options) : [{ remoteId }];
    for (const { remoteId: id } of found) {
      if (version !== null) {
        const standing = await orGone(this.#read(agendaId, id, options));
        if (standing === null) continue;
        if (standing.version !== version) throw new ConnectorError('stale', 'the appointment was changed meanwhile');
      }
      await this.#remove(agendaId, id, options);
    }
  }

  async find(place: Place, options: CallOptions): Promise<RemoteObject | null> {
    return (await this.#carrying(place, options))[0] ?? null;
  }

  /** The label is what comes back in each message: it is made the secret. */
  async subscribe({ agendaId, callbackUrl, secret }: SubscribeRequest, options: CallOptions): Promise<Subscription> {
    const fields = { Agenda: agendaId, Adresse: callbackUrl, Etiquette: secret };
    const [made] = await this.#client.change('abonnements/creer', fields, options);
    const id = made?.attributes['id'];
    if (id === undefined) throw senseless(true);
    return { id, expiresAt: null };
  }

  /** A label cannot be changed: a new subscription takes the place of the old one. */
  async renew(
    request: SubscribeRequest & { readonly subscriptionId: string },
    options: CallOptions,
  ): Promise<Subscription> {
    const made = await this.subscribe(request, options);
    await this.unsubscribe(request, options);
    return made;
  }

  async unsubscribe({ subscriptionId }: { readonly subscriptionId: string }, options: CallOptions): Promise<void> {
    await this.#client.change('abonnements/supprimer', { Abonnement: subscriptionId }, options);
  }

  close(): void {
    this.#client.close();
  }

  #hasMotif({ children }: Element): boolean {
    return children.some(({ name, text }) => name === 'Motif' && text === this.#settings.motif);
  }

  async #read(agendaId: string, id: string, options: CallOptions): Promise<RemoteObject> {
    const [element] = await this.#client.ask('rdv/lire', { Agenda: agendaId, Rdv: id }, options);
    if (element?.name !== 'Rdv') throw senseless(false);
    const object = toRemoteObject(element, this.#settings.timeZone, null);
    if (object === null) throw new ConnectorError('invalid', 'the appointment has no readable time');
    return object;
  }

  /** Every appointment that carries a reference, the oldest first. */
  async #carrying({ agendaId, reference }: Place, options: CallOptions): Promise<RemoteObject[]> {
    const found = await this.#client.ask('rdv/chercher', { Agenda: agendaId, Note: noteOf(reference) }, options);
    return found
      .map((element) => {
        const object = toRemoteObject(element, this.#settings.timeZone, null);
        if (element.name !== 'Rdv' || object === null) throw senseless(false);
        return object;
      })
      .filter((object) => object.reference === reference)
      .sort((a, b) => Number(a.remoteId) - Number(b.remoteId));
  }

  /** Ours from an earlier attempt, where it was wanted. */
  async #standing(
    place: Place,
    { start, end }: { readonly start: number; readonly end: number },
    options: CallOptions,
  ): Promise<RemoteObject | null> {
    const found = await this.#carrying(place, options);
    return found.find(({ when }) => when?.start === start && when.end === end) ?? null;
  }

  async #remove(agendaId: string, id: string, options: CallOptions): Promise<void> {
    const done = await orGone(this.#client.change('rdv/supprimer', { Agenda: agendaId, Rdv: id }, options));
    if (done === null) return;
    const message = 'the appointment was deleted but this could not be checked';
    if ((await proven(message, orGone(this.#read(agendaId, id, options)))) !== null)
      throw unproven('the appointment is still there after its deletion');
  }
}
