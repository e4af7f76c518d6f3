import { ConnectorError } from '#connector-sdk';
import type { Secrets } from './config.js';
import type { AgendaDocument } from './parts.js';

/** What a request carries to prove who asks. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

/** Throws `invalid` naming the secrets that the document asks for and nobody entered. */
export function credentialsOf(authentication: AgendaDocument['authentication'], secrets: Secrets): Credentials {
  switch (authentication.kind) {
    case 'bearer':
      return header('authorization', `Bearer ${needed(secrets, 'token')}`);
    case 'basic': {
      const pair = `${needed(secrets, 'username')}:${needed(secrets, 'password')}`;
      return header('authorization', `Basic ${Buffer.from(pair).toString('base64')}`);
    }
    case 'header':
      return header(authentication.name, authentication.prefix + needed(secrets, 'key'));
    case 'query':
      return { headers: {}, query: { [authentication.name]: needed(secrets, 'key') } };
  }
}

function header(name: string, value: string): Credentials {
  if (!/^[\x20-\x7e\x80-\xff]*$/.test(value))
    throw new ConnectorError('invalid', 'a secret holds characters that no header can carry');
  return { headers: { [name.toLowerCase()]: value }, query: {} };
}

function needed(secrets: Secrets, name: keyof Secrets): string {
  const secret = secrets[name];
  if (secret === undefined) throw new ConnectorError('invalid', `the document asks for the secret "${name}"`);
  return secret;
}
