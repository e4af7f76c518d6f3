import 'reflect-metadata';
import { newId } from '#application';
import { ACTIONS } from '#domain';
import { Database, migrate, PgIdentityAdministration, PgRegisters } from '#persistence';
import { type Environment, loadEnvironment, SCOPES } from '#platform';
import { migrateQueue } from '#queue';
import { signAudit, verifyAudit } from './audit-commands.js';
import { openKeys, rotateAll, rotationStatus } from './organization-keys.js';
import { createKey, parseScopes, revokeKeys } from './keys.js';
import { decideExport, listExports } from './exports.js';
import { createProvider, linkPerson } from './people.js';
import { seed } from './seed/seed.js';

const USAGE = `Usage: hub <command>
  migrate                                        bring database and queue to this version (DATABASE_OWNER_URL)
  seed [--vendors=<url>]                         make the demonstration practice; prints its ids and new keys
  organization new <name> [practice|secretariat] make an organization
  organization notes <organization> on|off       whether free text about patients is kept; seen by whom a grant says so
  collaborator new <organization> <name>         make a person in whose name applications act
  grants owner <organization> <collaborator>     let a person do everything and grant it to others: the first of a practice
  exports list <organization>                    exports that wait for a second person, and what became of others
  exports approve|refuse <organization> <export> be the second person where a practice has none
  keys new <organization> <label> [<scopes>]     make an API key, shown once; scopes: ${SCOPES.join(',')}
  keys revoke <organization> <key id>            revoke an API key
  audit verify [<organization> [<seal>...]]      read the audit log's chain again; names the first thing that is wrong
  audit sign [<organization>]                    sign the head of the chain; keep what it prints outside the database
  keys rotate [<organization>]                   seal everything with new keys, under the first key of UNISSON_KEYS
  keys status                                    tell how far that is
  register <organization>                        the register of processing (RGPD, article 30)
  breach-report <organization> --from=<instant> --to=<instant> [--agenda=<id>]
                                                 what a breach in that time can have touched (article 33)
  provider new <organization> <label> <issuer> <client id> [--secret-file=<path>] [--audience=<API>] [--pro-sante-connect]
                                                 make known where people sign in (OpenID Connect)
  person link <organization> <collaborator> <provider> <subject | rpps:number> [<scopes>]
                                                 say who a person of a provider is here
  person unlink <organization> <link id>         end that, and the person's sessions`;

const DEFAULT_VENDORS = 'http://127.0.0.1:4010';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What the operator typed is not understood. */
class UsageError extends Error {}

type Command = (parameters: readonly string[], environment: Environment) => Promise<unknown>;

const COMMANDS: Readonly<Record<string, Command>> = {
  migrate: migrateAll,
  seed: (parameters, environment) =>
    withDatabase(environment, (database) => seed(database, environment, vendorsOf(parameters))),
  'organization new': ([name, kind = 'practice'], environment) =>
    withDatabase(environment, async (database) => {
      const id = newId();
      const text = 'INSERT INTO organization (organization_id, name, kind) VALUES ($1, $2, $3)';
      await database.withOrganization(id, (transaction) => transaction.query(text, [id, given(name), kind]));
      return { id, name, kind };
    }),
  'organization notes': ([organization, given], environment) =>
    withDatabase(environment, async (database) => {
      const id = uuid(organization);
      if (given !== 'on' && given !== 'off') throw new UsageError();
      const text = 'UPDATE organization SET patient_notes = $2 WHERE organization_id = $1 RETURNING name';
      const [found] = await database.withOrganization(id, (transaction) =>
        transaction.query(text, [id, given === 'on']),
      );
      if (found === undefined) throw new Error('there is no such organization');
      return { id, ...found, notes: given };
    }),
  'collaborator new': ([organization, name], environment) =>
    withDatabase(environment, async (database) => {
      const [organizationId, id] = [uuid(organization), newId()];
      const text = 'INSERT INTO collaborator (organization_id, id, display_name) VALUES ($1, $2, $3)';
      const values = [organizationId, id, given(name)];
      await database.withOrganization(organizationId, (transaction) => transaction.query(text, values));
      return { id, name };
    }),
  'grants owner': ([organization, collaborator], environment) =>
    withDatabase(environment, async (database) => {
      const [organizationId, id, holder] = [uuid(organization), newId(), uuid(collaborator)];
      const text = `INSERT INTO access_grant (organization_id, id, collaborator_id, actions, state) VALUES ($1, $2, $3, $4, 'active')`;
      await database.withOrganization(organizationId, (transaction) =>
        transaction.query(text, [organizationId, id, holder, ACTIONS]),
      );
      return { grant: id, collaborator: holder };
    }),
  'exports list': ([organization], environment) =>
    withDatabase(environment, (database) => listExports(database, uuid(organization))),
  'exports approve': ([organization, id], environment) => {
    const key = { organizationId: uuid(organization), id: uuid(id) };
    return withDatabase(environment, (database) => decideExport(database, key, { approved: true }));
  },
  'exports refuse': ([organization, id], environment) => {
    const key = { organizationId: uuid(organization), id: uuid(id) };
    return withDatabase(environment, (database) => decideExport(database, key, { approved: false, reason: 'other' }));
  },
  'keys new': ([organization, label, scopes], environment) => {
    const request = {
      organizationId: uuid(organization),
      label: given(label),
      scopes: scopes === undefined ? SCOPES : parseScopes(scopes),
    };
    return withDatabase(environment, (database) => createKey(database, request));
  },
  'keys rotate': ([organization], environment) => {
    const which = organization === undefined ? null : uuid(organization);
    const tell = (line: string): void => void process.stderr.write(`${line}\n`);
    return withDatabase(environment, (database) => rotateAll(database, environment, { organization: which, tell }));
  },
  'keys status': (_, environment) => withDatabase(environment, (database) => rotationStatus(database, environment)),
  register: ([organization], environment) =>
    withDatabase(environment, (database) => registersOf(database, environment).register(uuid(organization))),
  'breach-report': ([organization, ...options], environment) => {
    const asked = breachOf(options);
    return withDatabase(environment, (database) =>
      registersOf(database, environment).breach(uuid(organization), asked),
    );
  },
  'keys revoke': ([organization, key], environment) => {
    const which = { organizationId: uuid(organization), id: uuid(key) };
    return withDatabase(environment, async (database) => {
      if ((await revokeKeys(database, which)) === 0) throw new Error('there is no such key, or it is revoked already');
      return { revoked: which.id };
    });
  },
  'audit verify': verified,
  'audit sign': ([organization], environment) => {
    const which = organization === undefined ? null : uuid(organization);
    return withDatabase(environment, (database) => signAudit(database, environment, which));
  },
  'provider new': ([organization, label, issuer, clientId, ...options], environment) => {
    const names = { label: given(label), issuer: given(issuer), clientId: given(clientId) };
    const request = { organizationId: uuid(organization), ...names, options };
    return withDatabase(environment, (database) => createProvider(database, environment, request));
  },
  'person link': ([organization, collaborator, provider, person, scopes], environment) => {
    const request = {
      organizationId: uuid(organization),
      collaborator: uuid(collaborator),
      provider: uuid(provider),
      person: given(person),
      ...(scopes === undefined ? {} : { scopes: parseScopes(scopes) }),
    };
    return withDatabase(environment, (database) => linkPerson(database, environment, request));
  },
  'person unlink': ([organization, id], environment) => {
    const which = { organizationId: uuid(organization), id: uuid(id) };
    return withDatabase(environment, async (database) => {
      const identities = new PgIdentityAdministration(database, openKeys(database, environment).vault);
      if (!(await identities.unlink(which, { kind: 'system' }))) throw new Error('there is no such link');
      return { unlinked: which.id };
    });
  },
};

async function verified(parameters: readonly string[], environment: Environment): Promise<unknown> {
  const [organization, ...words] = parameters;
  const which = { organization: organization === undefined ? null : uuid(organization), words };
  const reports = await withDatabase(environment, (database) => verifyAudit(database, environment, which));
  if (reports.some(({ fault }) => fault !== null)) process.exitCode = 1;
  return reports;
}

function registersOf(database: Database, environment: Environment): PgRegisters {
  return new PgRegisters(database, openKeys(database, environment).vault);
}

function breachOf(options: readonly string[]): { from: number; to: number; agendaId: string | null } {
  const given = new Map(
    options.flatMap((option) => {
      const [, name, value] = /^--(from|to|agenda)=(.+)$/.exec(option) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
  );
  const [from, to] = [Date.parse(given.get('from') ?? ''), Date.parse(given.get('to') ?? '')];
  if (given.size !== options.length || !(from < to)) throw new UsageError();
  return { from, to, agendaId: given.has('agenda') ? uuid(given.get('agenda')) : null };
}

async function migrateAll(_: readonly string[], environment: Environment): Promise<void> {
  const { DATABASE_OWNER_URL: ownerUrl, DATABASE_URL: appUrl } = environment;
  if (ownerUrl === undefined) throw new Error('migrate needs DATABASE_OWNER_URL, the owner of the schema');
  await migrate({ ownerUrl, appUrl });
  await migrateQueue(ownerUrl);
}

async function withDatabase<T>(environment: Environment, work: (database: Database) => Promise<T>): Promise<T> {
  const settings = { url: environment.DATABASE_URL, poolSize: 4, applicationName: 'unisson-hub' };
  const database = await Database.open(settings);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

function vendorsOf(parameters: readonly string[]): string {
  const [option = `--vendors=${DEFAULT_VENDORS}`, ...more] = parameters;
  const url = /^--vendors=(.+)$/.exec(option)?.[1];
  if (url === undefined || !URL.canParse(url) || more.length > 0) throw new UsageError();
  return url;
}

function given(text: string | undefined): string {
  if (text === undefined || text.trim() === '') throw new UsageError();
  return text.trim();
}

function uuid(text: string | undefined): string {
  const id = given(text).toLowerCase();
  if (!UUID.test(id)) throw new Error(`"${id}" is not a UUID`);
  return id;
}

async function main(words: readonly string[]): Promise<void> {
  const [first = '', second = ''] = words;
  const name = first in COMMANDS ? first : `${first} ${second}`;
  const command = COMMANDS[name];
  if (command === undefined) throw new UsageError();
  const result = await command(words.slice(name.split(' ').length), loadEnvironment());
  if (result !== undefined) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const reason = error instanceof UsageError ? USAGE : error instanceof Error ? error.message : 'it failed';
  process.stderr.write(`${reason}\n`);
  process.exitCode = 1;
});
