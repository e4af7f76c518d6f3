import { timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Faults } from '../core/faults.js';
import { leadsToLoopback } from '../core/loopback.js';
import { Refusal } from '../core/refusal.js';
import { Ailleurs, Faute } from './faults-of-vendor.js';
import { dayRange, daysFrom, hourOf, instantOf, localOf } from './local-time.js';
import type { Agenda, Appointment } from './model.js';
import type { MonDocteurStore } from './store.js';
import { fieldsOf, readXml, writeXml, type Written } from './xml.js';

/** Days of one dump. */
const MAX_DAYS = 31;
/** The night in which the vendor looks after its machines, by the clock of Paris. */
const NIGHT = { from: 2, to: 4 } as const;
const ZONE = 'Europe/Paris';

type Fields = Readonly<Record<string, string>>;
type Operation = (fields: Fields) => readonly Written[];

export interface ApiParts {
  readonly store: MonDocteurStore;
  readonly faults: Faults;
  readonly now: () => number;
  /** Whether the machines are looked after at night. */
  readonly nights: () => boolean;
}

/** One address for each operation; everything is asked by POST, and what went wrong is told with status 200. */
export function registerApi(scope: FastifyInstance, parts: ApiParts): void {
  const text = { parseAs: 'string' } as const;
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(['text/xml', 'application/xml'], text, (_request, body, done) => done(null, body));
  scope.setErrorHandler((error, _request, reply) => sendError(error, reply));
  scope.addHook('onRequest', async (request) => {
    refuseAtNight(parts);
    refuseStranger(parts.store, request);
  });
  const operations: Readonly<Record<string, Operation>> = {
    '/agendas': () => agendas(parts.store),
    '/journees': (fields) => days(parts, fields),
    '/rdv/lire': (fields) => [appointment(...named(parts.store, fields))],
    '/rdv/chercher': (fields) => search(parts.store, fields),
    '/rdv/creer': (fields) => create(parts, fields),
    '/rdv/deplacer': (fields) => move(parts, fields),
    '/rdv/supprimer': (fields) => remove(parts, fields),
    '/abonnements/creer': (fields) => subscribe(parts.store, fields),
    '/abonnements/supprimer': (fields) => {
      parts.store.subscriptions.delete(Number(fields['Abonnement']));
      return [{ name: 'Supprime' }];
    },
  };
  for (const [path, operation] of Object.entries(operations)) {
    scope.post(path, (request, reply) => {
      const root = readXml(typeof request.body === 'string' ? request.body : '');
      if (root?.name !== 'Requete') throw new Faute('DEMANDE_ILLISIBLE', 'La demande n’est pas lisible.');
      return send(reply, 200, { name: 'Reponse', content: operation(fieldsOf(root)) });
    });
  }
}

function refuseAtNight({ now, nights }: ApiParts): void {
  const hour = hourOf(now(), ZONE);
  if (!nights() || hour < NIGHT.from || hour >= NIGHT.to) return;
  const left = String((NIGHT.to - hour) * 3600);
  throw new Ailleurs(503, { name: 'Maintenance', attributes: { fin: `${NIGHT.to}:00` } }, { 'retry-after': left });
}

/** First the address, then the password: a stranger does not even learn which accounts there are. */
function refuseStranger(store: MonDocteurStore, { ip, headers }: FastifyRequest): void {
  if (!store.addresses.includes(ip)) throw new Ailleurs(403, `Adresse ${ip} non autorisée.`);
  const given = Buffer.from((headers.authorization ?? '').replace(/^Basic /, ''), 'base64');
  const known = store.accounts.some(({ login, password }) => {
    const wanted = Buffer.from(`${login}:${password}`);
    return wanted.length === given.length && timingSafeEqual(wanted, given);
  });
  if (!known) throw new Ailleurs(401, 'Accès refusé.', { 'www-authenticate': 'Basic realm="ws"' });
}

function agendas(store: MonDocteurStore): Written[] {
  return store
    .agendas()
    .filter(({ known }) => known.successor === null)
    .map(({ known: { id, name: nom, zone: fuseau, motifs, frozen } }) => ({
      name: 'Agenda',
      attributes: { id, nom, fuseau, gele: frozen ? 'oui' : 'non' },
      content: motifs.map((motif) => ({ name: 'Motif', content: motif })),
    }));
}

/** Everything that touches each day, and how much that is. */
function days({ store, faults }: ApiParts, fields: Fields): Written[] {
  const agenda = opened(store, fields);
  const wanted = daysFrom(fields['Du'] ?? '', fields['Au'] ?? '');
  if (wanted === null || wanted.length === 0 || wanted.length > MAX_DAYS)
    throw new Faute('PERIODE_INVALIDE', `Une période compte 1 à ${MAX_DAYS} jours.`);
  const short = faults.take(['partial-page'], {}) !== undefined;
  return wanted.map((date) => {
    const range = dayRange(date, agenda.zone);
    const all = store.of(agenda.id).filter(({ start, end }) => start < range.end && range.start < end);
    const told = short ? all.slice(0, Math.ceil(all.length / 2)) : all;
    return {
      name: 'Journee',
      attributes: { agenda: agenda.id, date, fuseau: agenda.zone, nombre: all.length },
      content: told.map((one) => appointment(agenda, one)),
    };
  });
}

function search(store: MonDocteurStore, fields: Fields): Written[] {
  const agenda = opened(store, fields);
  const wanted = fields['Note'] ?? '';
  return store
    .of(agenda.id)
    .filter(({ note }) => note === wanted)
    .map((one) => appointment(agenda, one));
}

function create({ store, faults }: ApiParts, fields: Fields): Written[] {
  const agenda = writable(store, fields);
  const motif = fields['Motif'] ?? '';
  if (!agenda.motifs.includes(motif)) throw new Faute('MOTIF_INCONNU', 'Ce motif n’existe pas dans cet agenda.');
  const when = interval(fields, agenda);
  const content = { ...when, title: fields['Libelle'] ?? '', note: fields['Note'] ?? '', motif, by: 'api' as const };
  if (faults.take(['lose-write'], { method: 'POST', route: '/rdv/creer' }))
    return [appointment(agenda, { ...content, id: store.nextId(), agendaId: agenda.id, broken: false })];
  return [appointment(agenda, store.create(agenda.id, content, false))];
}

function move({ store }: ApiParts, fields: Fields): Written[] {
  const agenda = writable(store, fields);
  const [, known] = named(store, fields);
  const changed = store.change(known, { ...interval(fields, agenda), title: fields['Libelle'] ?? known.title }, false);
  return [appointment(agenda, changed)];
}

function remove({ store }: ApiParts, fields: Fields): Written[] {
  writable(store, fields);
  const [, known] = named(store, fields);
  store.delete(known);
  return [{ name: 'Supprime', attributes: { id: known.id } }];
}

function subscribe(store: MonDocteurStore, fields: Fields): Written[] {
  const agenda = opened(store, fields);
  const { Adresse: url = '', Etiquette: label = '' } = fields;
  if (!leadsToLoopback(url)) throw new Faute('ADRESSE_INVALIDE', 'Cette adresse ne peut pas être appelée.');
  const made = { id: store.nextId(), agendaId: agenda.id, url, label };
  store.subscriptions.set(made.id, made);
  return [{ name: 'Abonnement', attributes: { id: made.id } }];
}

/** The agenda that is asked for; one that has gone for good says where. */
function opened(store: MonDocteurStore, fields: Fields): Agenda {
  const agenda = store.agendas().find(({ id }) => id === fields['Agenda'])?.known;
  if (!agenda) throw new Faute('AGENDA_INCONNU', 'Cet agenda n’existe pas.');
  if (agenda.successor === null) return agenda;
  const { system: systeme, agenda: successeur } = agenda.successor;
  const content = [{ name: 'Successeur', attributes: { systeme, agenda: successeur } }];
  throw new Ailleurs(410, { name: 'AgendaDeplace', attributes: { agenda: agenda.id }, content });
}

function writable(store: MonDocteurStore, fields: Fields): Agenda {
  const agenda = opened(store, fields);
  if (agenda.frozen) throw new Faute('AGENDA_GELE', 'Cet agenda déménage : il n’est plus que lu.');
  return agenda;
}

function named(store: MonDocteurStore, fields: Fields): [Agenda, Appointment] {
  const agenda = opened(store, fields);
  const found = store.of(agenda.id).find(({ id }) => String(id) === fields['Rdv']);
  if (!found) throw new Faute('RDV_INCONNU', 'Ce rendez-vous n’existe pas.');
  return [agenda, found];
}

function interval(fields: Fields, { zone }: Agenda): { start: number; end: number } {
  const [start, end] = [instantOf(fields['Debut'] ?? '', zone), instantOf(fields['Fin'] ?? '', zone)];
  if (start === null || end === null || start >= end)
    throw new Faute('HORAIRE_INVALIDE', 'La fin doit suivre le début.');
  return { start, end };
}

export function appointment(agenda: Agenda, one: Appointment): Written {
  const at = (ms: number): string => (one.broken ? '0000-00-00 00:00:00' : localOf(ms, agenda.zone));
  return {
    name: 'Rdv',
    attributes: { id: one.id, debut: at(one.start), fin: at(one.end), origine: one.by },
    content: [
      { name: 'Libelle', content: one.title },
      { name: 'Note', content: one.note },
      { name: 'Motif', content: one.motif },
    ],
  };
}

function sendError(error: unknown, reply: FastifyReply): FastifyReply {
  if (error instanceof Faute) return send(reply, 200, error.answer());
  if (error instanceof Refusal && error.code === 'overlap')
    return send(reply, 200, new Faute('CRENEAU_OCCUPE', 'Ce créneau est déjà pris.').answer());
  if (!(error instanceof Ailleurs)) throw error;
  void reply.headers(error.headers);
  if (typeof error.body === 'string')
    return reply.code(error.status).type('text/plain; charset=utf-8').send(error.body);
  return send(reply, error.status, error.body);
}

function send(reply: FastifyReply, status: number, root: Written): FastifyReply {
  return reply.code(status).type('text/xml; charset=utf-8').send(writeXml(root));
}
