import { StandardSchemaValidationPipe } from '@nestjs/common';
import type { ArgumentMetadata } from '@nestjs/common';
import { z } from 'zod';
import type { InputFault } from './problems.js';
import { Problem } from './problems.js';

const MAX_FAULTS = 50;

/** Where a fault is said to be, by the kind of argument Nest hands over. */
const PLACES: Readonly<Record<string, string>> = { body: 'body', query: 'query', param: 'path' };

interface Issue {
  readonly message: string;
  readonly path?: readonly unknown[] | undefined;
  readonly code?: string;
  readonly keys?: readonly string[];
}

const segment = (part: unknown): string =>
  String(typeof part === 'object' && part !== null && 'key' in part ? part.key : part);

/** One fault per issue, and one per unknown field. Bounded: how many there are is up to the sender. */
export function faultsOf(place: string, issues: readonly Issue[]): InputFault[] {
  const faults: InputFault[] = [];
  for (const { path = [], message, keys, code } of issues) {
    const at = [place, ...path.map(segment)].join('.');
    const unknown = code === 'unrecognized_keys' ? (keys ?? []) : [];
    if (unknown.length === 0) faults.push({ path: at, message });
    for (const key of unknown) faults.push({ path: `${at}.${key.slice(0, 100)}`, message: 'is not known' });
    if (faults.length >= MAX_FAULTS) break;
  }
  return faults.slice(0, MAX_FAULTS);
}

/** Validates every `@Body`, `@Query` and `@Param` by its schema, and tells every fault with its path. */
export class InputPipe extends StandardSchemaValidationPipe {
  override async transform<T = unknown>(value: T, metadata: ArgumentMetadata): Promise<T> {
    const { schema } = metadata;
    if (!schema || metadata.type === 'custom') return value;
    const result = await schema['~standard'].validate(value);
    if (!result.issues) return result.value as T;
    throw new Problem('bad-input', { errors: faultsOf(PLACES[metadata.type] ?? metadata.type, result.issues) });
  }
}

// Characters that no name, label or reason needs, and that logs, terminals and databases trip over: controls (NUL
// among them), line and paragraph separators, bidirectional overrides.
const UNWANTED = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

/** One line of text a person wrote: trimmed, NFC, well-formed, 1 to `max` characters. */
export function line(max: number): z.ZodString {
  return z
    .string()
    .trim()
    .normalize('NFC')
    .min(1)
    .max(max)
    .refine((value) => value.isWellFormed() && !UNWANTED.test(value), { message: 'must be one line of plain text' });
}

/** Text that a database can keep: well-formed, without NUL. */
export function isStorable(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\u0000');
  if (typeof value !== 'object' || value === null) return true;
  if (depth > 8) return false;
  return Object.entries(value).every(([name, part]) => isStorable(name) && isStorable(part, depth + 1));
}

/** Several values of one query parameter, repeated; a single one is a list of one. */
export function repeatable<T extends z.ZodType>(item: T, max: number): z.ZodType<z.output<T>[]> {
  return z.preprocess(
    (value) => (Array.isArray(value) || value === undefined ? value : [value]),
    z.array(item).min(1).max(max),
  );
}

/** A whole number written in a query. */
export function wholeNumber(min: number, max: number): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min).max(max));
}
