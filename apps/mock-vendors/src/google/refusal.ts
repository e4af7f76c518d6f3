/** A no in the words of the API. */
export class ApiRefusal extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(reason);
  }
}

const USAGE_LIMITS = /LimitExceeded|quotaExceeded/;
const REASONS: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'authError',
  403: 'forbidden',
  404: 'notFound',
  429: 'rateLimitExceeded',
};

/** The envelope of every error of the API. */
export function envelope(status: number, reason = REASONS[status] ?? 'backendError'): object {
  const domain = USAGE_LIMITS.test(reason) ? 'usageLimits' : 'global';
  return { error: { code: status, message: reason, errors: [{ message: reason, domain, reason }] } };
}

/** A no of the token endpoint (RFC 6749 5.2). */
export class GrantRefusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
  ) {
    super(code);
  }
}
