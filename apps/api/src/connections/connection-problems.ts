import type { ConnectionProblem, Failure } from '#application';
import { backendProblem, badInput, faultsOf, Problem } from '#platform';

type Failed =
  ConnectionProblem | { readonly outcome: 'failed'; readonly failure: Failure } | { readonly outcome: 'other-account' };

/** Why nothing was done with a connection. */
export function connectionProblem(failed: Failed): Problem {
  switch (failed.outcome) {
    case 'connection-unknown':
      return new Problem('not-found');
    case 'connector-unknown':
      return badInput('body.connector', 'is not known');
    case 'invalid':
      return new Problem('bad-input', { errors: faultsOf('body', failed.issues) });
    case 'other-account':
      return new Problem('backend-refused', { code: 'OTHER_ACCOUNT' });
    case 'failed':
      // Whoever connects an agenda has to know which right or setting is missing: the connector says so, without secrets.
      return backendProblem(failed.failure, { backendSaid: failed.failure.message });
  }
}
