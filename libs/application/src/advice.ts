import { HEALTH_LIMITS, type HealthFacts } from './health-facts.js';

/** What a person can do about a link, in both languages the hub speaks. */
export interface Advice {
  readonly code: AdviceCode;
  readonly fr: string;
  readonly en: string;
}

const ADVICE = {
  NOTHING: { fr: 'Rien à faire.', en: 'Nothing to do.' },
  REAUTHENTICATE: {
    fr: "Les identifiants sont refusés par l'agenda : saisissez-les de nouveau. Rien n'est perdu entre-temps.",
    en: 'The agenda refuses the credentials: enter them again. Nothing is lost meanwhile.',
  },
  AGENDA_GONE: {
    fr: "L'agenda n'existe plus chez son éditeur, ou n'est plus partagé : rétablissez-le, ou déconnectez la liaison.",
    en: 'The agenda no longer exists at its vendor, or is no longer shared: bring it back, or disconnect the link.',
  },
  AGENDA_MOVED: {
    fr: "L'agenda est passé chez un autre éditeur : la liaison est à reprendre. Connectez le nouveau compte, puis reprenez la liaison ; rien n'est perdu entre-temps.",
    en: 'The agenda has gone to another vendor: the link is to be taken up again. Connect the new account, then relink; nothing is lost meanwhile.',
  },
  BACKEND_DOWN: {
    fr: "Le serveur de l'agenda ne répond pas : la liaison réessaie d'elle-même. Prévenez son éditeur si cela dure.",
    en: "The agenda's server does not answer: the link tries again by itself. Tell its vendor if this lasts.",
  },
  WORKER_LATE: {
    fr: "La lecture de l'agenda est en retard : vérifiez que les processus « worker » tournent.",
    en: 'Reading the agenda is late: see that the worker processes run.',
  },
  WRITES_STUCK: {
    fr: "Des rendez-vous attendent d'être inscrits dans l'agenda du praticien : ne les confirmez pas encore aux patients.",
    en: "Appointments wait to be written into the practitioner's agenda: do not promise them to patients yet.",
  },
  RELEASE_BRAKE: {
    fr: 'Beaucoup de suppressions à la fois sont retenues : vérifiez-les dans l’agenda, puis laissez-les passer.',
    en: 'Many deletions at once are held back: check them in the agenda, then let them through.',
  },
  LOOK_AT_QUARANTINE: {
    fr: 'Des éléments illisibles de l’agenda sont mis de côté : regardez-les.',
    en: 'Objects of the agenda that could not be read are put aside: look at them.',
  },
  RENEW_CREDENTIAL: {
    fr: 'Les identifiants, ou le certificat client, expirent dans moins de 30 jours : demandez-en de nouveaux.',
    en: 'The credentials, or the client certificate, end within 30 days: ask for new ones.',
  },
  RENEW_CREDENTIAL_SOON: {
    fr: 'Les identifiants, ou le certificat client, expirent dans moins de 7 jours : remplacez-les.',
    en: 'The credentials, or the client certificate, end within 7 days: replace them.',
  },
  RENEW_CREDENTIAL_NOW: {
    fr: "Les identifiants, ou le certificat client, expirent dans moins d'un jour, après quoi l'agenda sera injoignable : remplacez-les maintenant.",
    en: 'The credentials, or the client certificate, end within a day, and nothing reaches the agenda after that: replace them now.',
  },
  APPROVE_PLAN: {
    fr: 'Le plan de la première synchronisation attend une approbation.',
    en: 'The plan of the first synchronisation waits for approval.',
  },
  RESUME: {
    fr: "La liaison est en pause : rien n'est lu ni écrit jusqu'à sa reprise.",
    en: 'The link is paused: nothing is read or written until it is resumed.',
  },
  PUSH_SILENT: {
    fr: "L'agenda n'annonce plus ses changements : ils sont lus un peu plus tard, et l'abonnement est refait. Si cela dure, vérifiez que PUBLIC_URL est joignable de l'extérieur.",
    en: 'The agenda no longer announces its changes: they are read a little later, and the subscription is made anew. If this lasts, see that PUBLIC_URL can be reached from outside.',
  },
} as const;

export type AdviceCode = keyof typeof ADVICE;

/** The one thing to do first. */
export function adviceOf(facts: HealthFacts): Advice {
  const reasons: readonly (readonly [AdviceCode, boolean])[] = [
    ['RESUME', facts.paused],
    ['REAUTHENTICATE', facts.status === 'auth-failed'],
    ['AGENDA_GONE', facts.status === 'gone'],
    ['AGENDA_MOVED', facts.status === 'moved'],
    ['BACKEND_DOWN', facts.failures > 0 || facts.blockedMs > 0],
    ['WORKER_LATE', facts.overdueMs > HEALTH_LIMITS.readLate],
    ['WRITES_STUCK', (facts.oldestMs ?? 0) > HEALTH_LIMITS.writeSlow],
    ['RENEW_CREDENTIAL_NOW', endsWithin(facts, HEALTH_LIMITS.expiryNow)],
    ['RELEASE_BRAKE', facts.brake !== null],
    ['APPROVE_PLAN', facts.phase === 'planning'],
    ['RENEW_CREDENTIAL_SOON', endsWithin(facts, HEALTH_LIMITS.expirySoon)],
    ['RENEW_CREDENTIAL', endsWithin(facts, HEALTH_LIMITS.expiry)],
    ['LOOK_AT_QUARANTINE', facts.quarantined > 0],
    ['PUSH_SILENT', facts.push.silentSince !== null],
  ];
  const code = reasons.find(([, applies]) => applies)?.[0] ?? 'NOTHING';
  return { code, ...ADVICE[code] };
}

function endsWithin({ expiresInMs }: HealthFacts, ms: number): boolean {
  return expiresInMs !== null && expiresInMs < ms;
}
