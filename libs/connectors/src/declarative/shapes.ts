import { z } from 'zod';
import { isTimeZone } from '#domain';
import { isData } from './paths.js';
import { isWellFormed, namesIn } from './templates.js';

/** Dotted names of fields; a digit picks an item of a list. */
export const jsonPath = z
  .string()
  .regex(/^(?:[A-Za-z0-9_@$:-]{1,64}(?:\.[A-Za-z0-9_@$:-]{1,64}){0,9})?$/, 'must be names of fields, joined by dots')
  .refine((path) => path.split('.').every(isData), 'must not lead out of the data');

const field = jsonPath.min(1, 'must name a field');

/** Headers that say where a message goes, how long it is and in whose name it is sent. */
const RESERVED = new Set([
  ...['host', 'content-length', 'content-type', 'transfer-encoding', 'connection', 'keep-alive', 'upgrade', 'te'],
  ...['trailer', 'expect', 'authorization', 'proxy-authorization', 'proxy-connection', 'cookie', 'accept-encoding'],
  ...['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'forwarded'],
]);

const token = z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'must be the name of a header');

export const headerName = token.refine(
  (name) => !RESERVED.has(name.toLowerCase()),
  'is a header that is not yours to set',
);

/** The header of a key may also be `Authorization`. */
export const keyHeaderName = token.refine(
  (name) => name.toLowerCase() === 'authorization' || !RESERVED.has(name.toLowerCase()),
  'is a header that is not yours to set',
);

export const parameterName = z
  .string()
  .regex(/^[A-Za-z0-9_.[\]-]{1,64}$/, 'must be the name of a parameter')
  .refine(isData, 'must not lead out of the data');

const printable = /^[\x20-\x7e]*$/;

/** A text in which only these names may stand in braces. */
export function template(names: readonly string[]): z.ZodString {
  return z
    .string()
    .max(300)
    .refine(isWellFormed, 'has a brace that belongs to no name')
    .refine((text) => namesIn(text).every((name) => names.includes(name)), {
      error: `may only hold ${names.length === 0 ? 'constants' : names.map((name) => `{${name}}`).join(', ')}`,
    });
}

/** A path under the connection's base address: it can lead nowhere else. */
export function urlPath(names: readonly string[]): z.ZodString {
  return template(names)
    .regex(/^(?:\/(?:[A-Za-z0-9._~-]|\{[a-zA-Z]+\})+)+$/, 'must be a plain path that begins with /')
    .refine((path) => path.split('/').every((segment) => segment !== '.' && segment !== '..'), 'must not lead upwards');
}

function few<Shape extends z.ZodType<Record<string, unknown>>>(shape: Shape): Shape {
  return shape.refine((record) => Object.keys(record).length <= 40, 'holds too many names');
}

export const query = (names: readonly string[]) => few(z.record(parameterName, template(names))).default({});

export const headers = (names: readonly string[]) =>
  few(z.record(headerName, template(names).regex(printable, 'must be plain text'))).default({});

const constant = z.union([z.number(), z.boolean(), z.null()]);

/** Values by the path at which they stand in a JSON body. */
export const body = (names: readonly string[]) => few(z.record(field, z.union([wholeOrConstant(names), constant])));

function wholeOrConstant(names: readonly string[]): z.ZodString {
  return template(names).refine(
    (text) => !text.includes('{') || /^\{[a-zA-Z]+(:number)?\}$/.test(text),
    'must be one name in braces or a constant',
  );
}

const scalar = z.union([z.string().max(200), z.number(), z.boolean()]);

/** Values of a field that mean one thing. */
export const oneOf = z.array(scalar).min(1).max(50);

export const fieldPath = field;

/** How times are written. */
export const times = z.discriminatedUnion('format', [
  z.strictObject({ format: z.literal('epoch-ms') }),
  z.strictObject({ format: z.literal('epoch-s') }),
  z.strictObject({ format: z.literal('instant') }),
  z.strictObject({
    format: z.literal('local'),
    pattern: z.enum([
      'YYYY-MM-DDTHH:mm:ss',
      'YYYY-MM-DDTHH:mm',
      'YYYY-MM-DD HH:mm:ss',
      'YYYY-MM-DD HH:mm',
      'DD/MM/YYYY HH:mm',
      'DD-MM-YYYY HH:mm',
    ]),
    zone: z.string().refine(isTimeZone, 'must be a time zone such as Europe/Paris'),
  }),
]);

export const paging = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({
    kind: z.literal('cursor'),
    parameter: parameterName,
    next: field.meta({ description: 'Où la réponse donne la suite ; rien ou null : dernière page' }),
  }),
  z.strictObject({
    kind: z.literal('page'),
    parameter: parameterName,
    first: z.int().min(0).max(1).default(1),
    pages: field.optional().meta({ description: 'Où la réponse donne le nombre de pages' }),
    total: field.optional().meta({ description: 'Où la réponse donne le nombre d’éléments' }),
  }),
]);

/** How the backend proves who asks. */
export const authentication = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('bearer') }),
  z.strictObject({ kind: z.literal('basic') }),
  z.strictObject({
    kind: z.literal('header'),
    name: keyHeaderName,
    prefix: z.string().max(40).regex(printable, 'must be plain text').default(''),
  }),
  z.strictObject({ kind: z.literal('query'), name: parameterName }),
]);

/** What an answer of the backend means; the first rule that fits counts. */
export const errorRule = z.strictObject({
  status: z.array(z.int().min(200).max(599)).min(1).max(30).optional().meta({ description: 'Codes HTTP' }),
  path: field.optional().meta({ description: 'Champ de la réponse qui doit être là' }),
  equals: oneOf.optional().meta({ description: 'Valeurs de ce champ ; sans elles, sa présence suffit' }),
  means: z
    .enum([
      ...(['auth', 'forbidden', 'taken', 'stale', 'not_found', 'agenda_gone'] as const),
      ...(['cursor_expired', 'rate_limited', 'unavailable', 'invalid'] as const),
    ])
    .meta({ description: 'Ce que cette réponse signifie' }),
});
