import type { ReasonCode } from '#application';
import type { AccessRefusal } from '#domain';

/** A sentence in both languages the hub speaks. */
export interface Sentence {
  readonly fr: string;
  readonly en: string;
}

/** Why something cannot be booked, moved or cancelled: one stable code each, explained to people here and nowhere else. */
export const REASONS = {
  MOTIF_NOT_ALLOWED: {
    fr: "Ce motif n'est pas proposé dans cet agenda.",
    en: 'This visit reason is not offered in this agenda.',
  },
  AUDIENCE: { fr: 'Ce créneau est destiné à un autre public.', en: 'This slot is meant for another audience.' },
  RESERVED_UNTIL: {
    fr: "Ce créneau est réservé et n'est pas encore libéré.",
    en: 'This slot is reserved and has not been released yet.',
  },
  QUOTA_REACHED: {
    fr: 'Le nombre de rendez-vous autorisé est atteint.',
    en: 'The allowed number of appointments has been reached.',
  },
  NOTICE_TOO_SHORT: {
    fr: 'Le délai avant le rendez-vous est trop court, ou son heure est passée.',
    en: 'The notice before the appointment is too short, or its time has passed.',
  },
  HORIZON: { fr: "L'agenda n'est pas encore ouvert à cette date.", en: 'The agenda is not open yet at that date.' },
  NEW_PATIENT: {
    fr: "Ce motif n'accepte pas les nouveaux patients.",
    en: 'This visit reason does not take new patients.',
  },
  AGE: { fr: "L'âge du patient ne convient pas à ce motif.", en: "The patient's age does not fit this visit reason." },
  GAP_BETWEEN_VISITS: {
    fr: 'Un délai est exigé depuis la dernière consultation.',
    en: 'A gap is required since the last visit.',
  },
  OFF_GRID: {
    fr: 'Ce motif commence à d’autres heures dans cet agenda.',
    en: 'This visit reason starts at other times in this agenda.',
  },
  CLOSED: { fr: "L'agenda est fermé à cette heure.", en: 'The agenda is closed at that time.' },
  BUSY: { fr: "Ce créneau n'est plus libre.", en: 'This slot is no longer free.' },
  HELD: {
    fr: 'Ce créneau est retenu pour un autre patient en ligne.',
    en: 'This slot is on hold for another patient on the phone.',
  },
  RESOURCE: { fr: "Une ressource nécessaire n'est pas disponible.", en: 'A resource that is needed is not available.' },
  AGENDA_DISABLED: { fr: 'Cet agenda est désactivé.', en: 'This agenda is disabled.' },
  AGENDA_STALE: {
    fr: "L'agenda du praticien n'a pas pu être relu assez récemment.",
    en: "The practitioner's agenda could not be read recently enough.",
  },
  AGENDA_UNREACHABLE: {
    fr: "L'agenda du praticien est injoignable pour le moment.",
    en: "The practitioner's agenda cannot be reached at the moment.",
  },
  RIGHT: { fr: "Le droit nécessaire n'a pas été accordé.", en: 'The right needed for this was not granted.' },
  OUTSIDE_WORKING_HOURS: {
    fr: 'Cette action est hors des heures de travail convenues.',
    en: 'This action is outside the agreed working hours.',
  },
  GRANT_REVOKED: { fr: 'Ce droit a été révoqué.', en: 'This grant was revoked.' },
  GRANT_AWAITING_APPROVAL: {
    fr: "Ce droit attend l'approbation d'une seconde personne.",
    en: 'This grant waits for the approval of a second person.',
  },
  GRANT_NOT_YET_VALID: { fr: "Ce droit n'est pas encore valable.", en: 'This grant is not valid yet.' },
  GRANT_EXPIRED: { fr: 'Ce droit a expiré.', en: 'This grant has expired.' },
  GRANT_CHANNEL: {
    fr: 'Ce droit ne vaut pas pour cette façon de se connecter (application ou console).',
    en: 'This grant does not hold for this way in (application or console).',
  },
  GRANT_MOTIF: {
    fr: 'Ce droit ne couvre pas ce motif de consultation.',
    en: 'This grant does not cover this visit reason.',
  },
  GRANT_AUDIENCE: { fr: 'Ce droit ne couvre pas ce public.', en: 'This grant does not cover this audience.' },
  GRANT_QUOTA: {
    fr: 'Le nombre d’actions par jour que permet ce droit est atteint.',
    en: 'The number of actions a day that this grant allows has been reached.',
  },
  AGENDA_UNLINKED: {
    fr: "Cet agenda n'est relié à aucun agenda extérieur modifiable.",
    en: 'This agenda is not linked to any writable outside agenda.',
  },
  HOLD_ENDED: { fr: "L'option a expiré ou a été libérée.", en: 'The hold has expired or was released.' },
  REMOTE_REFUSED: {
    fr: "L'agenda du praticien a refusé l'écriture.",
    en: "The practitioner's agenda refused the change.",
  },
  PRACTITIONER_CANCELLED: {
    fr: 'Le praticien a supprimé ce rendez-vous dans son agenda.',
    en: 'The practitioner removed this appointment in his agenda.',
  },
  PRACTITIONER_BUSY: {
    fr: "Le praticien s'est réservé cette heure entre-temps.",
    en: 'The practitioner took this time meanwhile.',
  },
  CANCELLED: { fr: 'Le rendez-vous a été annulé.', en: 'The appointment was cancelled.' },
  REASSIGNED: {
    fr: 'Le rendez-vous a été confié à un autre agenda.',
    en: 'The appointment was reassigned to another agenda.',
  },
  AWAITING_ACCEPTANCE: {
    fr: "Demande déposée : l'éditeur doit encore accepter ce rendez-vous. Ne le promettez pas encore au patient.",
    en: "Asked for: the agenda's vendor has yet to accept this appointment. Do not promise it to the patient yet.",
  },
  REQUEST_DECLINED: {
    fr: "La demande de rendez-vous n'a pas été acceptée chez l'éditeur de l'agenda.",
    en: "The request for this appointment was not accepted at the agenda's vendor.",
  },
  CONFLICT: {
    fr: 'Le secrétariat et le praticien ne sont pas d’accord sur ce rendez-vous : une personne doit décider.',
    en: 'The secretariat and the practitioner disagree about this appointment: a person has to decide.',
  },
  VENDOR_RIGHT: {
    fr: "Droit insuffisant chez l'éditeur de l'agenda.",
    en: "The right at the agenda's vendor is not sufficient.",
  },
  CREDENTIAL_REFUSED: {
    fr: "Les identifiants de la connexion ont été refusés par l'agenda.",
    en: "The connection's credentials were refused by the agenda.",
  },
  OTHER_ACCOUNT: {
    fr: "Ces identifiants ouvrent un autre compte : l'agenda relié ne s'y trouve pas.",
    en: 'These credentials open another account: the linked agenda is not in it.',
  },
  NO_CONSENT: {
    fr: 'Ce type de compte ne s’ouvre pas par un consentement : entrez ses identifiants.',
    en: 'This kind of account is not opened by consent: enter its credentials.',
  },
  NO_PUBLIC_URL: {
    fr: "L'adresse publique du service n'est pas réglée (PUBLIC_URL) : personne ne pourrait revenir du consentement.",
    en: 'The public address of the service is not set (PUBLIC_URL): nobody could come back from the consent page.',
  },
} as const satisfies Record<ReasonCode | AccessRefusal, Sentence> & Record<string, Sentence>;

export type KnownReason = keyof typeof REASONS;

/** The sentence for a code; a code without one is shown as it is. */
export function explainReason(code: string): Sentence {
  return code in REASONS ? REASONS[code as KnownReason] : { fr: code, en: code };
}
