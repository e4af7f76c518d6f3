import { readFileSync } from 'node:fs';
import { z } from 'zod';

const KEY_BYTES = 32;

const text = z.string().min(1);
const whole = (min: number, max: number): z.ZodType<number, string> =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min).max(max));
const port = whole(0, 65_535);
const flag = z.enum(['true', 'false']).transform((value) => value === 'true');

const urlWith = (...protocols: string[]): z.ZodString =>
  text.refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol), {
    message: `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  });

const LOOPBACK = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/;
/** Of a path, as it goes into one. */
const segment = text.regex(/^[\w-]{1,64}$/, 'must be letters, digits, "_" and "-"');

/** One master key: its name goes into every envelope, so that older ones stay readable after a rotation. */
export interface MasterKey {
  readonly id: string;
  readonly bytes: Buffer;
}

const keyRing = text.transform((value, context): readonly MasterKey[] => {
  const keys: MasterKey[] = [];
  for (const [index, entry] of value.split(',').entries()) {
    const [id = '', encoded = ''] = entry.trim().split(':', 2);
    const bytes = Buffer.from(encoded, 'base64');
    if (!/^[a-z0-9-]{1,16}$/.test(id))
      context.addIssue(`entry ${String(index + 1)} needs a name of a-z, 0-9 and "-" before its colon`);
    else if (bytes.length !== KEY_BYTES) context.addIssue(`key "${id}" must be ${String(KEY_BYTES)} bytes in base64`);
    else if (keys.some((key) => key.id === id)) context.addIssue(`key "${id}" is there twice`);
    else keys.push({ id, bytes });
  }
  return keys;
});

/** Every variable the hub reads. `.env.example` is made from the descriptions and defaults here. */
export const environmentSchema = z.object({
  DATABASE_URL: urlWith('postgres:', 'postgresql:').meta({
    description: 'PostgreSQL as the role unisson_app (row-level security is written for it alone).',
    example: 'postgres://unisson_app:change-me@127.0.0.1:5432/unisson',
  }),
  DATABASE_OWNER_URL: urlWith('postgres:', 'postgresql:').optional().meta({
    description: 'PostgreSQL as the owner of the schema; only the migrate command needs it.',
    example: 'postgres://unisson_owner:change-me@127.0.0.1:5432/unisson',
  }),
  REDIS_URL: urlWith('redis:', 'rediss:').optional().meta({
    description: 'Redis or Valkey for the job queue; without it the queue runs on PostgreSQL.',
    example: 'redis://127.0.0.1:6379',
  }),
  UNISSON_KEYS: keyRing.meta({
    description:
      'Master keys as name:base64 of 32 bytes, comma-separated; the first encrypts, all decrypt. Make one: openssl rand -base64 32',
    example: 'k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  }),
  UNISSON_KEYS_FILE: text.optional().meta({
    description: 'A file that holds UNISSON_KEYS instead, such as a mounted secret.',
    example: '/run/secrets/unisson-keys',
  }),
  UNISSON_KMS_URL: urlWith('https:', 'http:')
    .refine((url) => !URL.canParse(url) || new URL(url).protocol === 'https:' || LOOPBACK.test(new URL(url).hostname), {
      message: 'must be https; http reaches this machine only',
    })
    .optional()
    .meta({
      description:
        'A key management service that wraps the keys of organizations instead of UNISSON_KEYS: HashiCorp Vault or OpenBao, its transit engine.',
      example: 'https://vault.example:8200',
    }),
  UNISSON_KMS_MOUNT: segment.default('transit').meta({ description: 'Where its transit engine is mounted.' }),
  UNISSON_KMS_KEY: segment
    .default('unisson')
    .meta({ description: 'Name of its key, which must be derived: vault write -f transit/keys/unisson derived=true' }),
  UNISSON_KMS_NAMESPACE: text
    .regex(/^[\w/-]{1,200}$/, 'must be letters, digits, "_", "-" and "/"')
    .optional()
    .meta({ description: 'Its namespace, where it has several.', example: 'cabinets/unisson' }),
  UNISSON_KMS_TOKEN: text.optional().meta({
    description: 'Token to use it with, which somebody else renews; or AppRole, below.',
    example: 'hvs.change-me',
  }),
  UNISSON_KMS_TOKEN_FILE: text
    .optional()
    .meta({ description: 'A file that holds UNISSON_KMS_TOKEN instead.', example: '/run/secrets/kms-token' }),
  UNISSON_KMS_ROLE_ID: text.optional().meta({ description: 'AppRole: the role.', example: 'change-me' }),
  UNISSON_KMS_SECRET_ID: text.optional().meta({ description: 'AppRole: its secret.', example: 'change-me' }),
  UNISSON_KMS_SECRET_ID_FILE: text
    .optional()
    .meta({ description: 'A file that holds UNISSON_KMS_SECRET_ID instead.', example: '/run/secrets/kms-secret-id' }),
  UNISSON_KMS_CA_FILE: text.optional().meta({
    description: "Certificate (PEM) of the authority of the service's own; without it the public ones are believed.",
    example: '/etc/unisson/kms-ca.pem',
  }),
  UNISSON_KMS_CACHE_MINUTES: whole(1, 1_440)
    .prefault('60')
    .meta({ description: 'How long keys that it unwrapped are used at most while it does not answer.' }),
  HOST: text.default('127.0.0.1').meta({ description: 'Address to listen on; containers use 0.0.0.0.' }),
  PORT: port.prefault('3000').meta({ description: 'Port of the API.' }),
  WORKER_PORT: port.prefault('3001').meta({ description: "Port of the worker's health and metrics." }),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .meta({ description: 'Least severe level that is logged.' }),
  PUBLIC_URL: urlWith('http:', 'https:').optional().meta({
    description:
      'Where the API is reached from outside: backends push there, feeds are subscribed to there. Without it agendas are polled only.',
    example: 'https://unisson.example',
  }),
  ALLOW_PRIVATE_NETWORKS: flag.prefault('false').meta({
    description: 'true lets connections point into private and loopback networks (simulators, a server in the house).',
  }),
  POOL_SIZE: whole(1, 200).prefault('10').meta({
    description:
      'PostgreSQL connections of one process. Each plans its statements for itself: over all processes, four per processor of the database are plenty.',
  }),
  RATE_LIMIT_PER_MINUTE: whole(1, 10_000_000)
    .prefault('6000')
    .meta({ description: 'Requests per minute and API key, in each api process.' }),
  SIGN_IN_FAILURES_PER_MINUTE: whole(1, 10_000_000).prefault('10').meta({
    description: 'Wrong keys, tokens and codes a minute for one credential and from one address, in all processes.',
  }),
  TRUSTED_PROXIES: text.optional().meta({
    description:
      'Addresses or networks of the proxies in front of the api, comma-separated: their X-Forwarded-For is believed. Without it the address of the connection counts.',
    example: '10.0.0.0/8,127.0.0.1',
  }),
  VENDOR_TIMEOUT_MS: whole(100, 60_000)
    .prefault('3000')
    .meta({ description: 'Longest single call to an agenda backend, in milliseconds.' }),
  VENDOR_LISTING_TIMEOUT_MS: whole(100, 60_000).prefault('30000').meta({
    description:
      'Longest call that lists a whole CalDAV calendar, fetches many of its events, or fetches a published calendar, in milliseconds.',
  }),
  UNISSON_SMTP_URL: urlWith('smtp:', 'smtps:').optional().meta({
    description: 'Mail server for alerts about links that are red; without it alerts are events only.',
    example: 'smtps://user:change-me@smtp.example:465',
  }),
  UNISSON_ALERT_FROM: text
    .default('Unisson <unisson@localhost>')
    .meta({ description: 'Sender of the alerts.', example: 'Unisson <unisson@localhost>' }),
  UNISSON_ALERT_TO: text.optional().meta({
    description: 'Who is alerted about connections that name nobody responsible; without it, nobody.',
    example: 'support@unisson.example',
  }),
  UNISSON_ALERT_EVERY_MINUTES: whole(1, 10_080)
    .prefault('60')
    .meta({ description: 'Minutes between two alerts about a link that stays red.' }),
});

export type Environment = z.output<typeof environmentSchema>;

/** Variables that may stand in a file instead. */
const IN_FILES = ['UNISSON_KEYS', 'UNISSON_KMS_TOKEN', 'UNISSON_KMS_SECRET_ID'];

/** Reads the variables; empty ones count as unset. Throws one Error that names every problem, and no value. */
export function parseEnvironment(variables: Readonly<Record<string, string | undefined>>): Environment {
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''));
  const result = environmentSchema.safeParse(set);
  const lines = (result.error?.issues ?? []).map((issue) => {
    const name = String(issue.path[0]);
    return `  ${name}: ${name in set ? issue.message : 'is not set'}`;
  });
  const [token, role, secret] = ['TOKEN', 'ROLE_ID', 'SECRET_ID'].map((name) => `UNISSON_KMS_${name}` in set);
  const isKnown = token === true ? role !== true && secret !== true : role === true && secret === true;
  if ('UNISSON_KMS_URL' in set && !isKnown)
    lines.push(
      '  UNISSON_KMS_URL: needs UNISSON_KMS_TOKEN, or UNISSON_KMS_ROLE_ID and UNISSON_KMS_SECRET_ID, and not both',
    );
  if (result.success && lines.length === 0) return result.data;
  throw new Error(`The environment is not usable:\n${lines.join('\n')}\nSee .env.example for every variable.`);
}

/** The environment of this process. */
export function loadEnvironment(): Environment {
  const inFiles = IN_FILES.flatMap((name): [string, string][] => {
    const file = process.env[`${name}_FILE`];
    return file && !process.env[name] ? [[name, readFileSync(file, 'utf8').trim()]] : [];
  });
  return parseEnvironment({ ...process.env, ...Object.fromEntries<string>(inFiles) });
}
