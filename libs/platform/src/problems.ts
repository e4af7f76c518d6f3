import { ACCESS_PROBLEMS } from './access-problems.js';
import { BUSY_PROBLEMS, type ProblemType } from './busy-problems.js';
import { SERVICE_PROBLEMS } from './service-problems.js';

/** Every kind of refusal the API answers with (RFC 9457): slug, status, title. Slugs are stable for ever. */
export const PROBLEMS = {
  'bad-input': { status: 400, fr: "La requête n'est pas valable.", en: 'The request is not valid.' },
  'malformed-body': {
    status: 400,
    fr: 'Le corps de la requête est illisible.',
    en: 'The body of the request cannot be read.',
  },
  'collaborator-required': {
    status: 400,
    fr: "L'en-tête Unisson-Collaborator doit nommer la personne qui agit.",
    en: 'The header Unisson-Collaborator must name the acting person.',
  },
  'two-credentials': {
    status: 400,
    fr: 'Une session et une clé ou un jeton sont présentés ensemble : n’en présentez qu’un.',
    en: 'A session and a key or token are shown together: show only one.',
  },
  'idempotency-key-required': {
    status: 400,
    fr: "L'en-tête Idempotency-Key est exigé.",
    en: 'The header Idempotency-Key is required.',
  },
  unauthenticated: {
    status: 401,
    fr: "La clé d'accès, le jeton ou la session manque ou n'est pas valable.",
    en: 'The API key, token or session is missing or not valid.',
  },
  'right-missing': {
    status: 403,
    fr: "Cet accès n'a pas ce droit.",
    en: 'This credential does not have this right.',
  },
  'collaborator-unknown': {
    status: 403,
    fr: "La personne qui agit n'est pas connue, ou n'est plus active.",
    en: 'The acting person is not known, or no longer active.',
  },
  'person-unknown': {
    status: 403,
    fr: "Votre compte n'est relié à aucun collaborateur de cette structure : donnez l'identifiant affiché (subject) à votre administrateur, qui vous reliera.",
    en: 'Your account is linked to no collaborator of this organization: give the identifier shown (subject) to your administrator, who links you.',
  },
  'cross-site': {
    status: 403,
    fr: "Cette demande vient d'un autre site : ouvrez la console à son adresse.",
    en: 'This request comes from another site: open the console at its own address.',
  },
  'mandate-missing': {
    status: 403,
    fr: "Aucun mandat en cours ne permet à cette personne d'agir pour ce cabinet : vérifiez l'en-tête Unisson-Practice et le mandat.",
    en: 'No mandate in force lets this person act for this practice: check the header Unisson-Practice and the mandate.',
  },
  'grant-missing': {
    status: 403,
    fr: "Aucun droit accordé ne permet cette action : demandez-le à qui gère les droits de l'agenda.",
    en: 'No grant allows this action: ask who manages the rights of the agenda for it.',
  },
  'not-found': { status: 404, fr: 'Introuvable.', en: 'Not found.' },
  'method-not-allowed': {
    status: 405,
    fr: "Cette méthode n'est pas permise ici.",
    en: 'This method is not allowed here.',
  },
  'not-acceptable': {
    status: 406,
    fr: "Aucun format accepté n'est disponible.",
    en: 'None of the accepted formats is available.',
  },
  'request-timeout': {
    status: 408,
    fr: "La requête n'est pas arrivée à temps.",
    en: 'The request did not arrive in time.',
  },
  'slot-taken': { status: 409, fr: 'Ce créneau est pris.', en: 'This slot is taken.' },
  'hold-ended': { status: 409, fr: "L'option n'est plus valable.", en: 'The hold is no longer valid.' },
  'appointment-ended': { status: 409, fr: "Le rendez-vous n'est plus en cours.", en: 'The appointment has ended.' },
  'appointment-busy': {
    status: 409,
    fr: 'Le rendez-vous est en cours de modification.',
    en: 'The appointment is being changed.',
  },
  'idempotency-in-progress': {
    status: 409,
    fr: 'La première requête avec cette Idempotency-Key est encore en cours.',
    en: 'The first request with this Idempotency-Key is still under way.',
  },
  'link-busy': {
    status: 409,
    fr: "Des annulations attendent encore d'être portées dans l'agenda : attendez, ou déconnectez-le.",
    en: 'Cancellations still wait to be carried to the agenda: wait, or disconnect it.',
  },
  'patient-expected': {
    status: 409,
    fr: 'Des rendez-vous de ce patient sont à venir : annulez-les, ou confirmez qu’ils restent sans nom (force).',
    en: 'Appointments of this patient are ahead: cancel them, or confirm that they stay without a name (force).',
  },
  'already-exists': { status: 409, fr: 'Cela existe déjà.', en: 'This exists already.' },
  'still-linked': {
    status: 409,
    fr: 'Une liaison utilise encore cette connexion, ou y retire ce qu’elle a écrit.',
    en: 'A link still uses this connection, or removes there what it wrote.',
  },
  'still-disconnecting': {
    status: 409,
    fr: "L'ancienne liaison retire encore de cet agenda ce qu'elle y a écrit.",
    en: 'The former link still removes from this agenda what it wrote there.',
  },
  'not-moved': {
    status: 409,
    fr: "L'agenda de cette liaison n'est pas passé chez un autre éditeur, ou elle est déjà reprise.",
    en: 'The agenda of this link has not gone to another vendor, or the link was taken up again already.',
  },
  'plan-missing': {
    status: 409,
    fr: "Cette liaison n'a pas de plan à approuver.",
    en: 'This link has no plan to approve.',
  },
  'consent-unavailable': {
    status: 409,
    fr: 'Cette connexion ne peut pas être ouverte par un consentement.',
    en: 'This connection cannot be opened by consent.',
  },
  'stale-version': {
    status: 412,
    fr: 'La ressource a changé depuis sa lecture.',
    en: 'The resource has changed since it was read.',
  },
  'choice-impossible': {
    status: 409,
    fr: "Ce choix n'est pas possible pour ce conflit.",
    en: 'This choice is not possible for this conflict.',
  },
  'body-too-large': {
    status: 413,
    fr: 'Le corps de la requête dépasse 64 Kio.',
    en: 'The body of the request is over 64 KiB.',
  },
  'uri-too-long': { status: 414, fr: "L'adresse est trop longue.", en: 'The address is too long.' },
  'unsupported-media-type': {
    status: 415,
    fr: 'Ce type de contenu n’est pas accepté.',
    en: 'This content type is not accepted.',
  },
  'undo-impossible': {
    status: 409,
    fr: 'Cette annulation ne peut plus être défaite : cinq minutes au plus, une seule fois, et seulement si elle vient du secrétariat.',
    en: 'This cancellation cannot be undone any more: within five minutes, once, and only one of the secretariat.',
  },
  'renewal-limit': {
    status: 409,
    fr: 'Cette option ne peut plus être prolongée : trois fois au plus, et 30 minutes en tout.',
    en: 'This hold cannot be renewed any more: three times at most, and 30 minutes in all.',
  },
  'patient-double': {
    status: 409,
    fr: 'Ce patient a déjà un rendez-vous ce jour-là ou pour ce motif : confirmez que c’est voulu (acknowledgeDouble).',
    en: 'This patient already has an appointment on that day or for that reason: confirm that it is meant (acknowledgeDouble).',
  },
  ...ACCESS_PROBLEMS,
  'answers-required': {
    status: 422,
    fr: 'Le praticien demande une réponse à ses questions avant ce rendez-vous.',
    en: 'The practitioner asks for answers to his questions before this appointment.',
  },
  'holiday-closure': {
    status: 409,
    fr: "Ce jour férié est calculé : pour travailler ce jour-là, ajoutez sa date à workedHolidays de l'agenda (PATCH /v1/agendas/{id}).",
    en: 'This public holiday is computed: to work on that day, add its date to workedHolidays of the agenda (PATCH /v1/agendas/{id}).',
  },
  'backend-closure': {
    status: 409,
    fr: "Ces heures sont fermées dans l'outil du praticien : c'est là qu'il les ouvre.",
    en: "These hours are closed in the practitioner's own tool: that is where he opens them.",
  },
  ...BUSY_PROBLEMS,
  'capacity-in-use': {
    status: 409,
    fr: 'Plus de rendez-vous sont déjà pris en même temps que cette capacité n’en permet.',
    en: 'More appointments stand at one time already than this capacity allows.',
  },
  'waiting-ended': {
    status: 409,
    fr: 'Cette attente, ou cette proposition, est terminée.',
    en: 'This waiting, or this offer, has ended.',
  },
  'rule-refused': {
    status: 422,
    fr: "Une règle de l'agenda refuse cette demande.",
    en: 'A rule of the agenda refuses this request.',
  },
  'idempotency-key-reused': {
    status: 422,
    fr: 'Cette Idempotency-Key a déjà servi pour une autre requête.',
    en: 'This Idempotency-Key was used before for another request.',
  },
  'unknown-reference': {
    status: 422,
    fr: "La requête nomme quelque chose qui n'existe pas.",
    en: 'The request names something that does not exist.',
  },
  'backend-refused': {
    status: 422,
    fr: "Le serveur de l'agenda refuse cette demande.",
    en: "The agenda's server refuses this request.",
  },
  'provider-unusable': { status: 422, fr: 'Aucun fournisseur OpenID ici.', en: 'No OpenID provider answers here.' },
  'precondition-required': { status: 428, fr: "L'en-tête If-Match est exigé.", en: 'The header If-Match is required.' },
  'locked-out': {
    status: 429,
    fr: "Trop d'essais avec une clé, un jeton ou un code faux : attendez le délai indiqué (Retry-After), puis vérifiez la clé.",
    en: 'Too many tries with a wrong key, token or code: wait as long as Retry-After says, then check the key.',
  },
  'rate-limited': { status: 429, fr: 'Trop de requêtes.', en: 'Too many requests.' },
  'headers-too-large': { status: 431, fr: 'Les en-têtes sont trop grands.', en: 'The headers are too large.' },
  internal: { status: 500, fr: 'Erreur interne.', en: 'Internal error.' },
  'agenda-unreachable': {
    status: 503,
    fr: "L'agenda du praticien est injoignable ; rien n'a été écrit.",
    en: "The practitioner's agenda cannot be reached; nothing was written.",
  },
  'sign-in-unavailable': {
    status: 503,
    fr: "La connexion des personnes n'est pas réglée : PUBLIC_URL doit être une adresse https.",
    en: 'Signing in is not set up: PUBLIC_URL must be an https address.',
  },
  'provider-unreachable': {
    status: 503,
    fr: "Le fournisseur d'identité ne répond pas pour le moment : réessayez dans un instant.",
    en: 'The identity provider does not answer at the moment: try again shortly.',
  },
  ...SERVICE_PROBLEMS,
} as const satisfies Record<string, ProblemType>;

export type ProblemSlug = keyof typeof PROBLEMS;

/** One fault of the input. Paths begin with where it was: `body.patient.lastName`, `query.from`, `header.if-match`. */
export interface InputFault {
  readonly path: string;
  readonly message: string;
}

export interface ProblemOptions {
  /** Reason code, explained in both languages in the answer. */
  readonly code?: string | undefined;
  readonly errors?: readonly InputFault[] | undefined;
  readonly retryAfterMs?: number | undefined;
  /** Further members of the answer; never anything about a patient. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
}

/** Base of every problem's `type`; stable, never fetched. */
const TYPE_BASE = 'https://unisson.example/problems/';

/** A refusal that the API answers as problem details. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly slug: ProblemSlug;
  readonly options: ProblemOptions;

  constructor(slug: ProblemSlug, options: ProblemOptions = {}) {
    super(PROBLEMS[slug].en);
    this.slug = slug;
    this.options = options;
  }

  get status(): number {
    return PROBLEMS[this.slug].status;
  }
}

export const problemType = (slug: ProblemSlug): string => TYPE_BASE + slug;

/** Input that a schema alone cannot judge. */
export function badInput(path: string, message: string): Problem {
  return new Problem('bad-input', { errors: [{ path, message }] });
}
