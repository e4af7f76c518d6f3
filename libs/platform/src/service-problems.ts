import type { ProblemType } from './busy-problems.js';

/** What the hub itself stands on cannot be used now. */
export const SERVICE_PROBLEMS = {
  'key-service-unavailable': {
    status: 503,
    fr: "Le service de gestion de clés ne répond pas, ou refuse : rien n'a été écrit. Réessayez ; si cela dure, l'exploitant vérifie qu'il est joignable et déverrouillé.",
    en: 'The key management service does not answer, or refuses: nothing was written. Try again; if it lasts, the operator checks that it is reachable and unsealed.',
  },
  'temporarily-unavailable': {
    status: 503,
    fr: 'Le service est momentanément indisponible.',
    en: 'The service is unavailable for a moment.',
  },
} as const satisfies Record<string, ProblemType>;
