import { z } from 'zod';
import {
  authentication,
  body,
  errorRule,
  fieldPath,
  headers,
  jsonPath,
  oneOf,
  paging,
  query,
  times,
  urlPath,
} from './shapes.js';

const LISTING = ['agenda', 'from', 'to', 'fromDate', 'toDate'];
const DELTA = ['agenda', 'cursor'];
const ENTRY = ['agenda', 'id'];
const FINDING = ['agenda', 'reference'];
const CONTENT = ['start', 'end', 'minutes', 'title', 'reference'];
const CREATING = ['agenda', ...CONTENT];
const UPDATING = [...ENTRY, 'version', ...CONTENT];
const CANCELLING = [...ENTRY, 'version', 'reference'];

const entry = z
  .strictObject({
    id: fieldPath,
    start: fieldPath,
    end: fieldPath.optional(),
    minutes: fieldPath.optional().meta({ description: 'Durée en minutes, au lieu de end' }),
    title: fieldPath.optional(),
    reference: fieldPath.optional().meta({ description: 'Champ où Unisson retrouve ses rendez-vous' }),
    version: fieldPath.optional().meta({ description: 'Champ qui change à chaque modification' }),
    changedAt: fieldPath.optional(),
    status: z
      .strictObject({
        path: fieldPath,
        gone: oneOf.optional().meta({ description: 'Valeurs d’un rendez-vous annulé ou supprimé' }),
        free: oneOf.optional().meta({ description: 'Valeurs d’une entrée qui n’occupe pas' }),
      })
      .optional(),
  })
  .meta({ description: 'Où une entrée dit ce qu’elle est' });

const list = z.strictObject({
  path: urlPath(LISTING),
  query: query(LISTING),
  items: jsonPath,
  paging: paging.default({ kind: 'none' }),
  finds: z
    .enum(['overlap', 'start'])
    .default('overlap')
    .meta({ description: 'overlap : ce qui touche la période ; start : ce qui y commence' }),
  maxDays: z.int().min(1).max(3660).nullable().default(null).meta({ description: 'Plus longue période par appel' }),
  cursor: fieldPath.optional().meta({ description: 'Où la première page donne le curseur des changements' }),
});

const delta = z.strictObject({
  path: urlPath(DELTA),
  query: query(DELTA),
  items: jsonPath,
  id: fieldPath,
  entry: jsonPath.default('').meta({ description: 'Où un changement porte l’entrée' }),
  deleted: z.strictObject({ path: fieldPath, equals: oneOf }).optional(),
  next: fieldPath.meta({ description: 'Où la réponse donne le curseur suivant' }),
  more: fieldPath.optional().meta({ description: 'Où la réponse dit (true) que la suite attend' }),
});

const fixedAgendas = z.strictObject({
  kind: z.literal('fixed'),
  agendas: z
    .array(z.strictObject({ id: z.string().min(1).max(200), name: z.string().min(1).max(200) }))
    .min(1)
    .max(500),
});
const listedAgendas = z.strictObject({
  kind: z.literal('list'),
  path: urlPath([]),
  query: query([]),
  items: jsonPath,
  paging: paging.default({ kind: 'none' }),
  id: fieldPath,
  name: fieldPath,
  zone: fieldPath.optional(),
  writable: fieldPath.optional(),
});

const writing = z
  .strictObject({
    create: z.strictObject({
      method: z.enum(['POST', 'PUT']).default('POST'),
      path: urlPath(CREATING),
      headers: headers(CREATING),
      body: body(CREATING),
      id: fieldPath.optional().meta({ description: 'Où la réponse donne l’identifiant créé' }),
    }),
    update: z.strictObject({
      method: z.enum(['POST', 'PUT', 'PATCH']).default('PATCH'),
      path: urlPath(UPDATING),
      headers: headers(UPDATING),
      body: body(UPDATING),
    }),
    cancel: z.strictObject({
      method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE']).default('DELETE'),
      path: urlPath(CANCELLING),
      headers: headers(CANCELLING),
      body: body(CANCELLING).optional(),
    }),
    find: z
      .strictObject({ path: urlPath(FINDING), query: query(FINDING), items: jsonPath })
      .optional()
      .meta({ description: 'Recherche par référence ; sans elle, l’agenda est relu' }),
  })
  .meta({ description: 'Sans cette partie, l’agenda est seulement lu' });

const behaviour = z
  .strictObject({
    idempotency: z.enum(['key', 'none']).default('none').meta({
      description: 'key : l’agenda rend la même entrée quand une création est répétée avec la même référence',
    }),
    refusesOverlap: z.boolean().default(false).meta({ description: 'L’agenda refuse lui-même deux entrées à la fois' }),
    settleSeconds: z.int().min(5).max(3600).default(120).meta({
      description: 'Au bout de combien de temps une demande envoyée ne peut plus aboutir',
    }),
    callsPerMinute: z.int().min(1).max(10_000).nullable().default(null),
    freshnessSeconds: z.int().min(10).max(86_400).default(120),
  })
  .prefault({});

/** The parts of a document, each right by itself. */
export const parts = z.strictObject({
  format: z.literal('rest-agenda-1'),
  authentication,
  headers: headers([]),
  times,
  account: z.strictObject({ path: urlPath([]), name: fieldPath }).optional(),
  agendas: z.discriminatedUnion('kind', [listedAgendas, fixedAgendas]),
  entry,
  reading: z.strictObject({
    list,
    delta: delta.optional(),
    get: z.strictObject({ path: urlPath(ENTRY), query: query(ENTRY), entry: jsonPath.default('') }).optional(),
  }),
  writing: writing.optional(),
  errors: z.array(errorRule).max(100).default([]),
  behaviour,
});

export type AgendaDocument = z.output<typeof parts>;
export type Endpoint = Pick<AgendaDocument['reading']['list'], 'path' | 'query'>;
export type Listing = Endpoint & Pick<AgendaDocument['reading']['list'], 'items' | 'paging'>;
export type Delta = NonNullable<AgendaDocument['reading']['delta']>;
export type Writing = NonNullable<AgendaDocument['writing']>;
