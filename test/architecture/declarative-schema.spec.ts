import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { z } from 'zod';
import declarative from '../../libs/connectors/src/declarative/connector.js';

const FILE = new URL('../../docs/declarative-connector.schema.json', import.meta.url);

it('the published JSON Schema is the document’s own; UPDATE_SCHEMA=1 writes it', () => {
  const settings = z.toJSONSchema(declarative.config.settings, { io: 'input' }) as {
    properties: Record<string, object>;
  };
  const { $schema } = settings as { $schema?: string };
  const schema: unknown = JSON.parse(JSON.stringify({ $schema, ...settings.properties['document'] }));
  if (process.env['UPDATE_SCHEMA'] === '1') writeFileSync(FILE, `${JSON.stringify(schema, null, 2)}\n`);
  expect(JSON.parse(readFileSync(FILE, 'utf8'))).toEqual(schema);
});
