import { applyDecorators } from '@nestjs/common';
import { RouteSchema } from '@nestjs/platform-fastify';
import { ApiExtension, ApiHeader, ApiResponse } from '@nestjs/swagger';
import type { z } from 'zod';
import { PROBLEMS } from './problems.js';
import type { ProblemSlug } from './problems.js';

/** What every route behind a key may answer. */
const EVERYWHERE: readonly ProblemSlug[] = [
  'bad-input',
  'unauthenticated',
  'right-missing',
  'two-credentials',
  'cross-site',
  'person-unknown',
  'locked-out',
  'grant-missing',
  'mandate-missing',
  'rate-limited',
  'internal',
  'temporarily-unavailable',
  'provider-unreachable',
];

const PROBLEM_CONTENT = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  200: 'Done.',
  201: 'Created.',
  202: 'Accepted: being carried to the practitioner’s agenda. Do not promise it yet.',
  204: 'Done; nothing to show.',
  304: 'Not modified.',
  503: 'Not available for the moment.',
};

/**
 * What a route answers: by status, the schema that documents, whitelists and serialises the body (`null` = none), and
 * the problems it may answer besides those any route may.
 */
export function Answers(
  bodies: Readonly<Record<number, z.ZodType | null>>,
  ...problems: readonly ProblemSlug[]
): MethodDecorator {
  const decorators: MethodDecorator[] = [];
  const serialised: Record<string, z.ZodType> = {};
  for (const [status, schema] of Object.entries(bodies)) {
    const documented = { status: Number(status), description: DESCRIPTIONS[Number(status)] ?? '' };
    decorators.push(ApiResponse(schema ? { ...documented, standardSchema: schema } : documented));
    if (schema) serialised[status] = schema;
  }
  const slugs = [...new Set([...EVERYWHERE, ...problems])];
  for (const status of new Set(slugs.map((slug) => PROBLEMS[slug].status))) {
    if (String(status) in bodies) continue;
    const description = slugs
      .filter((slug) => PROBLEMS[slug].status === status)
      .map((slug) => `\`${slug}\`: ${PROBLEMS[slug].en}`)
      .join('\n\n');
    decorators.push(ApiResponse({ status, description, content: PROBLEM_CONTENT }));
  }
  return applyDecorators(RouteSchema({ response: serialised }), ApiExtension('x-problems', slugs), ...decorators);
}

const header = (name: string, required: boolean, description: string): MethodDecorator =>
  ApiHeader({ name, required, description, schema: { type: 'string' } });

/** Documents the headers of a write. */
export const WriteHeaders = (options: {
  idempotencyKey: 'required' | 'optional' | 'none';
  prefer?: boolean;
  ifMatch?: 'required' | 'optional';
}): MethodDecorator =>
  applyDecorators(
    header('Unisson-Collaborator', true, 'Id of the collaborator in whose name the application acts.'),
    ...(options.idempotencyKey === 'none'
      ? []
      : [
          header(
            'Idempotency-Key',
            options.idempotencyKey === 'required',
            'Makes a repeated request harmless: the first answer is given again. Kept 30 days.',
          ),
        ]),
    ...(options.prefer
      ? [
          header(
            'Prefer',
            false,
            '`wait=N`: seconds (0 to 10, else 5) to wait for the practitioner’s agenda before answering 202.',
          ),
        ]
      : []),
    ...(options.ifMatch
      ? [header('If-Match', options.ifMatch === 'required', 'ETag of the version this change is based on.')]
      : []),
  );
