import { MailFailed, type Mail, type Mailer } from './alerts.js';

/** An overbooking that the practitioner has not been told of yet. */
export interface OverbookingNotice {
  readonly appointmentId: string;
  readonly agendaName: string;
  /** Local date and time at the agenda's location, `YYYY-MM-DD HH:mm`. */
  readonly local: string;
  /** Who answers for the agenda's connection; `null` = nobody is named. */
  readonly email: string | null;
}

export abstract class OverbookingStore {
  /** Notices that are due. Whoever is given one is the only one, until `leaseMs` are over. */
  abstract claim(organizationId: string, leaseMs: number): Promise<readonly OverbookingNotice[]>;
  /** It was told, or (`error`) it was not and is due again when its lease is over. */
  abstract told(organizationId: string, appointmentId: string, error: string | null): Promise<void>;
}

/** A mail that did not go out is tried again after this time (milliseconds). */
const RETRY_MS = 60_000;

/**
 * Tells those who answer for an agenda that something was booked beside others or outside the rules. The event has told
 * it already, and the text in the practitioner's own agenda does; this is the mail, where mails are sent.
 */
export class OverbookingNotices {
  constructor(
    private readonly parts: {
      readonly store: OverbookingStore;
      /** `null`: no mails, events only. */
      readonly mailer: Mailer | null;
      /** Who is told when a connection names nobody; `null` = nobody. */
      readonly fallback: string | null;
    },
  ) {}

  async tell(organizationId: string): Promise<void> {
    const { store } = this.parts;
    for (const notice of await store.claim(organizationId, RETRY_MS))
      await store.told(organizationId, notice.appointmentId, await this.mail(notice));
  }

  private async mail(notice: OverbookingNotice): Promise<string | null> {
    const to = notice.email ?? this.parts.fallback;
    if (this.parts.mailer === null || to === null) return null;
    try {
      await this.parts.mailer.send({ to, ...overbookingMail(notice) });
      return null;
    } catch (error) {
      if (error instanceof MailFailed) return error.message;
      throw error;
    }
  }
}

/** Where and when, and nothing of the patient; the reason was typed by a person, and stays in the hub. */
export function overbookingMail({ agendaName, local, appointmentId }: OverbookingNotice): Omit<Mail, 'to'> {
  return {
    subject: `Unisson : un rendez-vous en surnombre dans l'agenda « ${agendaName} »`,
    text: [
      `Le secrétariat a pris un rendez-vous en surnombre dans l'agenda « ${agendaName} », le ${local}.`,
      '',
      `The secretariat has overbooked the agenda "${agendaName}" on ${local}.`,
      '',
      `(${appointmentId})`,
    ].join('\n'),
  };
}
