import { hkdfSync } from 'node:crypto';
import type { AccessTokens, Calendar } from '#application';
import { PgAccessTokens, PgApiKeys, PgAttempts, type Database } from '#persistence';
import { AccessTokenRecogniser, ApiKeyRecogniser, AttemptGuard, Authentication, type Environment } from '#platform';

/** Who may come in, and how. */
export interface AuthenticationParts {
  readonly authentication: Authentication;
  readonly apiKeys: ApiKeyRecogniser;
  readonly accessTokens: AccessTokens;
}

const PEPPER_BYTES = 32;

export function buildAuthentication(
  database: Database,
  calendar: Calendar,
  environment: Environment,
): AuthenticationParts {
  const guard = new AttemptGuard(new PgAttempts(database), {
    perMinute: environment.SIGN_IN_FAILURES_PER_MINUTE,
    pepper: pepperOf(environment),
  });
  const accessTokens = new PgAccessTokens(database);
  const apiKeys = new ApiKeyRecogniser(new PgApiKeys(database), guard);
  const recognisers = [new AccessTokenRecogniser(accessTokens, guard), apiKeys];
  const people = {
    isActive: (organizationId: string, id: string) => calendar.collaborator(organizationId, id),
  };
  return { authentication: new Authentication(recognisers, people), apiKeys, accessTokens };
}

/** The same in every process; after a rotation counts begin anew. */
function pepperOf({ UNISSON_KEYS: [key] }: Environment): Buffer {
  if (!key) throw new Error('the key ring is empty');
  return Buffer.from(hkdfSync('sha256', key.bytes, '', 'unisson attempts 1', PEPPER_BYTES));
}
