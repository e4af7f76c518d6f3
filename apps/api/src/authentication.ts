import { hkdfSync, randomBytes } from 'node:crypto';
import {
  SignIn,
  type AccessTokens,
  type Calendar,
  type IdentityAdministration,
  type People,
  type SignInStore,
  type Vault,
} from '#application';
import {
  PgAccessTokens,
  PgApiKeys,
  PgAttempts,
  PgIdentityAdministration,
  PgKeyStore,
  PgSignInStore,
  type Database,
} from '#persistence';
import {
  AccessTokenRecogniser,
  ApiKeyRecogniser,
  AttemptGuard,
  Authentication,
  GuardedOpenIdProviders,
  issueFeedToken,
  PersonTokenRecogniser,
  SessionCookie,
  SessionRecogniser,
  type Collaborators,
  type Environment,
  openVault,
} from '#platform';

/** Who may come in, and how. */
export interface AuthenticationParts {
  readonly authentication: Authentication;
  readonly apiKeys: ApiKeyRecogniser;
  readonly accessTokens: AccessTokens;
  readonly attempts: AttemptGuard;
  readonly signInStore: SignInStore;
  readonly signIn: SignIn;
  readonly identities: IdentityAdministration;
  readonly sessionCookie: SessionCookie;
  readonly openIdProviders: GuardedOpenIdProviders;
  readonly vault: Vault;
}

interface Given {
  readonly database: Database;
  readonly calendar: Calendar;
  readonly people: People;
  /** Without a final slash; `null` = not known. */
  readonly publicUrl: string | null;
}

const SECRET_BYTES = 32;

export function buildAuthentication(given: Given, environment: Environment): AuthenticationParts {
  const { database, calendar, people, publicUrl } = given;
  const vault = openVault(environment, new PgKeyStore(database));
  const attempts = new AttemptGuard(new PgAttempts(database), {
    perMinute: environment.SIGN_IN_FAILURES_PER_MINUTE,
    pepper: pepperOf(environment),
  });
  const accessTokens = new PgAccessTokens(database);
  const apiKeys = new ApiKeyRecogniser(new PgApiKeys(database), attempts);
  const signInStore = new PgSignInStore(database, vault);
  const sessionCookie = new SessionCookie(publicUrl);
  const openIdProviders = new GuardedOpenIdProviders({
    timeoutMs: environment.VENDOR_TIMEOUT_MS,
    allowPrivateNetworks: environment.ALLOW_PRIVATE_NETWORKS,
    now: Date.now,
  });
  const signIn = new SignIn({
    store: signInStore,
    providers: openIdProviders,
    issue: issueFeedToken,
    newSecret: () => randomBytes(SECRET_BYTES).toString('base64url'),
    redirectUri: publicUrl === null ? null : `${publicUrl}/v1/sign-in/callback`,
  });
  const recognisers = [
    new SessionRecogniser(signInStore, sessionCookie, attempts),
    new AccessTokenRecogniser(accessTokens, attempts),
    new PersonTokenRecogniser(signInStore, openIdProviders, attempts),
    apiKeys,
  ];
  const acting: Collaborators = {
    isActive: (organizationId, id) => calendar.collaborator(organizationId, id),
    mandated: (organizationId, who) => people.mandated(organizationId, who),
  };
  const authentication = new Authentication(recognisers, acting);
  return {
    authentication,
    apiKeys,
    accessTokens,
    attempts,
    signInStore,
    signIn,
    identities: new PgIdentityAdministration(database, vault),
    sessionCookie,
    openIdProviders,
    vault,
  };
}

/** The same in every process; after a rotation counts begin anew. */
function pepperOf({ UNISSON_KEYS: [key] }: Environment): Buffer {
  if (!key) throw new Error('the key ring is empty');
  return Buffer.from(hkdfSync('sha256', key.bytes, '', 'unisson attempts 1', SECRET_BYTES));
}
