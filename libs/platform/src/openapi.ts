import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';
import { problemSchema } from './problem-body.js';

type Json = Record<string, unknown>;
type Converted = { schema: Json; components: Record<string, Json> };

const COMPONENT = '#/components/schemas/';

/** One zod schema as OpenAPI 3.1 (JSON Schema 2020-12): named parts become components. */
export function convertSchema(schema: unknown, io: 'input' | 'output'): Converted | undefined {
  if (!(schema instanceof z.ZodType)) return undefined;
  const converted = z.toJSONSchema(schema, { io, target: 'draft-2020-12', unrepresentable: 'any' }) as Json & {
    $defs?: Record<string, Json>;
  };
  const { $defs = {}, ...root } = converted;
  const components = Object.fromEntries(Object.entries($defs).map(([name, part]) => [name, clean(part)]));
  const id = schema.meta()?.id;
  if (id === undefined || '$ref' in root) return { schema: clean(root), components };
  return { schema: { $ref: COMPONENT + id }, components: { ...components, [id]: clean(root) } };
}

/** Drops what names a part twice and points references at the components. */
function clean(part: Json): Json {
  const copy = JSON.parse(JSON.stringify(part).replaceAll('"#/$defs/', `"${COMPONENT}`)) as Json;
  return Object.fromEntries(Object.entries(copy).filter(([name]) => name !== 'id' && name !== '$schema'));
}

/** The OpenAPI 3.1 document, made from the schemas that validate and serialise. */
export function buildDocument(
  app: INestApplication,
  about: { title: string; description: string; version: string },
): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle(about.title)
    .setDescription(about.description)
    .setVersion(about.version)
    .addSecurity('apiKey', {
      type: 'http',
      scheme: 'bearer',
      description:
        'An API key, `Authorization: Bearer unisson_…`, or a token that an application obtained with it at /v1/token; a ' +
        'person shows an access token of his provider with `Unisson-Organization`, or the session of the console. ' +
        'The scopes an operation needs are listed with it.',
    })
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    standardSchemaConverter: (schema, { schemaType }) => convertSchema(schema, schemaType),
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '').toLowerCase()}-${method}`,
  });
  const problem = convertSchema(problemSchema, 'output');
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, ...problem?.components },
  };
  return document;
}

/** Serves the document at /openapi.json and a page to browse and try it at /docs. */
export function serveDocument(app: INestApplication, document: () => OpenAPIObject): void {
  SwaggerModule.setup('docs', app, document, {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Unisson',
  });
}

/** True for the routes that {@link serveDocument} makes. */
export function isDocumentRoute(url: string): boolean {
  return url === '/openapi.json' || url === '/docs' || url.startsWith('/docs/');
}
