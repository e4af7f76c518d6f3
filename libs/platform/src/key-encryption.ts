import { readFileSync } from 'node:fs';
import type { KeyEncryption, KeyStore } from '#application';
import type { Environment } from './env.js';
import { KeyRing } from './key-ring.js';
import type { Logger } from './logging.js';
import type { Metrics } from './metrics.js';
import { TransitKeys } from './transit.js';
import { EnvelopeVault } from './vault.js';

const MINUTE_MS = 60_000;

const opened = new WeakMap<object, KeyEncryption>();

/** What wraps the keys of organizations in this process: the key service where one is set, else the key ring. One for each environment. */
export function keyEncryption(environment: Environment): KeyEncryption {
  const known = opened.get(environment);
  if (known !== undefined) return known;
  const ring = new KeyRing(environment.UNISSON_KEYS);
  const encryption = environment.UNISSON_KMS_URL === undefined ? ring : new TransitKeys(settingsOf(environment), ring);
  opened.set(environment, encryption);
  return encryption;
}

/** What seals and opens, with the keys of this environment. */
export function openVault(environment: Environment, store: KeyStore): EnvelopeVault {
  const encryption = keyEncryption(environment);
  return new EnvelopeVault(new KeyRing(environment.UNISSON_KEYS), store, { encryption });
}

/** Shows how the key service does, where there is one. */
export function watchKeyService(environment: Environment, metrics: Metrics, logger: Logger): void {
  const service = keyEncryption(environment);
  if (!(service instanceof TransitKeys)) return;
  metrics.watchKeyService(() => service.state.reason === null);
  service.told = ({ reason }) => {
    if (reason === null) logger.info('the key service answers again');
    else logger.error({ reason }, 'the key service cannot be used: what was unwrapped is used on for a while');
  };
}

function settingsOf(environment: Environment): ConstructorParameters<typeof TransitKeys>[0] {
  const {
    UNISSON_KMS_TOKEN: token,
    UNISSON_KMS_ROLE_ID: roleId = '',
    UNISSON_KMS_SECRET_ID: secretId = '',
  } = environment;
  const { UNISSON_KMS_CA_FILE: authority, UNISSON_KMS_URL: url = '' } = environment;
  return {
    url: url.replace(/\/$/, ''),
    mount: environment.UNISSON_KMS_MOUNT,
    key: environment.UNISSON_KMS_KEY,
    namespace: environment.UNISSON_KMS_NAMESPACE ?? null,
    login: token === undefined ? { roleId, secretId } : { token },
    authority: authority === undefined ? null : readFileSync(authority, 'utf8'),
    cacheMs: environment.UNISSON_KMS_CACHE_MINUTES * MINUTE_MS,
  };
}
