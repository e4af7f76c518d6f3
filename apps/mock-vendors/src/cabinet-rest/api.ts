import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Faults } from '../core/faults.js';
import { parsed, Refusal } from '../core/refusal.js';
import { instantOf, localOf } from './local-time.js';
import { cancelInput, changeInput, createInput, listInput, type Practitioner, type Visit } from './model.js';
import type { CabinetStore } from './store.js';

const PAGE = 50;
const DAY_MS = 86_400_000;

/** What the simulator's refusals are called here, and the status they are answered with: most of them 200. */
const WORDS: Readonly<Record<string, readonly [status: number, erreur: string]>> = {
  overlap: [200, 'creneau_occupe'],
  entry_unknown: [200, 'rdv_inconnu'],
  agenda_unknown: [200, 'praticien_inconnu'],
  version_mismatch: [409, 'revision_perimee'],
  invalid: [422, 'champs_invalides'],
};

interface Parts {
  readonly store: CabinetStore;
  readonly faults: Faults;
}

/** The practice software's API: one envelope for everything, a key in a header, local times. */
export function registerApi(scope: FastifyInstance, parts: Parts): void {
  const { store, faults } = parts;
  scope.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof Refusal)) return reply.code(400).send({ succes: false, erreur: 'requete_illisible' });
    const [status, erreur] = WORDS[error.code] ?? [error.status, error.code];
    return reply.code(status).send({ succes: false, erreur });
  });
  scope.setNotFoundHandler((_request, reply) => reply.code(404).send({ succes: false, erreur: 'adresse_inconnue' }));
  scope.addHook('preHandler', (request, _reply, done) => {
    keyed(store, request);
    done();
  });

  scope.get('/praticiens', (request) => {
    const mine = keyed(store, request).map(({ code, nom }) => ({ code, nom }));
    return paged(mine, 1, PAGE);
  });
  scope.get('/rdv', (request) => {
    const { praticien, du, au, page } = parsed(listInput, request.query);
    opened(store, request, praticien);
    const [from, to] = [instantOf(`${du}T00:00`), instantOf(`${au}T00:00`) + DAY_MS];
    const found = store.of(praticien).filter((visit) => visit.spoilt || (visit.start >= from && visit.start < to));
    const sorted = [...found].sort((a, b) => a.start - b.start || a.numero - b.numero);
    return paged(sorted.map(view), page, faults.take(['partial-page'], {}) ? Math.floor(PAGE / 3) : PAGE);
  });
  scope.get<{ Params: { numero: string }; Querystring: { praticien?: string } }>('/rdv/:numero', (request) => {
    const { code } = opened(store, request, request.query.praticien ?? '');
    return { succes: true, donnees: view(store.visit(code, request.params.numero)) };
  });
  registerWrites(scope, parts);
}

function registerWrites(scope: FastifyInstance, { store, faults }: Parts): void {
  scope.post('/rdv', (request, reply) => {
    const { praticien, rdv } = parsed(createInput, request.body);
    const { code } = opened(store, request, praticien);
    if (faults.take(['lose-write'], { method: 'POST' })) return made(reply, 999_999);
    const writing = { start: instantOf(rdv.debut), minutes: rdv.duree, objet: rdv.objet, note: rdv.note };
    return made(reply, store.create(code, writing, { by: 'api' }).numero);
  });
  scope.put<{ Params: { numero: string } }>('/rdv/:numero', (request) => {
    const { praticien, revision, rdv } = parsed(changeInput, request.body);
    const visit = current(store, request, { praticien, revision, numero: request.params.numero });
    const writing = { start: instantOf(rdv.debut), minutes: rdv.duree, objet: rdv.objet };
    return { succes: true, donnees: view(store.change(visit, writing, { by: 'api' })) };
  });
  scope.post<{ Params: { numero: string } }>('/rdv/:numero/annulation', (request) => {
    const { praticien, revision } = parsed(cancelInput, request.body);
    store.cancel(current(store, request, { praticien, revision, numero: request.params.numero }), 'api');
    return { succes: true };
  });
}

function made(reply: FastifyReply, numero: number): FastifyReply {
  return reply.code(201).send({ succes: true, donnees: { numero } });
}

function current(
  store: CabinetStore,
  request: FastifyRequest,
  { praticien, numero, revision }: { praticien: string; numero: string; revision: number },
): Visit {
  const { code } = opened(store, request, praticien);
  const visit = store.standing(code, numero);
  if (visit.revision !== revision) throw new Refusal(412, 'version_mismatch');
  return visit;
}

function keyed(store: CabinetStore, request: FastifyRequest): readonly Practitioner[] {
  const mine = store.practitioners().filter(({ cle }) => cle === request.headers['x-cle-cabinet']);
  if (mine.length === 0) throw new Refusal(401, 'cle_inconnue');
  return mine;
}

function opened(store: CabinetStore, request: FastifyRequest, code: string): Practitioner {
  const found = store.practitioner(code);
  if (!keyed(store, request).includes(found)) throw new Refusal(403, 'acces_refuse');
  return found;
}

function paged(all: readonly object[], page: number, size: number): object {
  return {
    succes: true,
    donnees: all.slice((page - 1) * size, page * size),
    pagination: { page, pages: Math.max(1, Math.ceil(all.length / size)), total: all.length },
  };
}

function view({ numero, start, minutes, objet, note, statut, revision, spoilt }: Visit): object {
  const debut = spoilt ? 'non renseigné' : localOf(start);
  return { numero, debut, duree: minutes, objet, note, statut, revision };
}
