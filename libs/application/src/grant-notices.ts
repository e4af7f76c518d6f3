import type { GrantChange } from './access-ports.js';
import type { ExportChange } from './exports.js';
import type { PersonChange } from './sign-in-ports.js';
import { MailFailed, type Mail, type Mailer } from './alerts.js';

/** A change of a right, an export, or a link of a person, that the owner of an agenda has not been told of yet. */
export interface GrantNotice {
  readonly id: string;
  readonly aboutId: string;
  readonly agendaName: string;
  readonly change: GrantChange | ExportChange | PersonChange;
  /** Of whoever the agenda belongs to; `null` = not known. */
  readonly email: string | null;
}

export abstract class GrantNoticeStore {
  /** Notices that are due. Whoever is given one is the only one, until `leaseMs` are over. */
  abstract claim(organizationId: string, leaseMs: number): Promise<readonly GrantNotice[]>;
  /** It was told, or (`error`) it was not and is due again when its lease is over. */
  abstract told(organizationId: string, id: string, error: string | null): Promise<void>;
}

/** A mail that did not go out is tried again after this time (milliseconds). */
const RETRY_MS = 60_000;

/** Tells owners of agendas of every change of a right on them, and of exports. The event has told it already; this is the mail. */
export class GrantNotices {
  /** `mailer` `null`: no mails, events only. */
  constructor(private readonly parts: { readonly store: GrantNoticeStore; readonly mailer: Mailer | null }) {}

  async tell(organizationId: string): Promise<void> {
    const { store } = this.parts;
    for (const notice of await store.claim(organizationId, RETRY_MS))
      await store.told(organizationId, notice.id, await this.mail(notice));
  }

  private async mail(notice: GrantNotice): Promise<string | null> {
    if (this.parts.mailer === null || notice.email === null) return null;
    try {
      await this.parts.mailer.send({ to: notice.email, ...grantMail(notice) });
      return null;
    } catch (error) {
      if (error instanceof MailFailed) return error.message;
      throw error;
    }
  }
}

const CHANGES: Readonly<Record<GrantChange, { fr: string; en: string }>> = {
  issued: { fr: 'Un droit a été accordé', en: 'A right was granted' },
  proposed: {
    fr: 'Un droit est proposé, et attend une seconde personne,',
    en: 'A right is proposed, and waits for a second person,',
  },
  approved: { fr: 'Un droit a été approuvé', en: 'A right was approved' },
  changed: { fr: 'Un droit a été modifié', en: 'A right was changed' },
  revoked: { fr: 'Un droit a été retiré', en: 'A right was withdrawn' },
  delegated: { fr: 'Un droit a été délégué', en: 'A right was passed on' },
};

const OTHERS: Readonly<Record<ExportChange | PersonChange, { fr: string; en: string }>> = {
  'export-asked': {
    fr: 'Un export de données est demandé, et attend une seconde personne',
    en: 'An export of data is asked for, and waits for a second person',
  },
  'export-approved': { fr: 'Un export de données a été approuvé', en: 'An export of data was approved' },
  'export-refused': { fr: 'Un export de données a été refusé', en: 'An export of data was refused' },
  'export-expired': { fr: 'Un export de données a expiré', en: 'An export of data has expired' },
  'export-fetched': { fr: 'Un export de données a été téléchargé', en: 'An export of data was fetched' },
  'person-linked': {
    fr: 'Un compte a été relié à un collaborateur, au nom duquel il peut agir',
    en: 'An account was linked to a collaborator, and may act as that person',
  },
  'person-unlinked': {
    fr: 'Le lien d’un compte à un collaborateur a été retiré',
    en: 'The link of an account to a collaborator was withdrawn',
  },
};

const isOther = (change: GrantNotice['change']): change is keyof typeof OTHERS => change in OTHERS;

/** Which agenda and what kind of change; who and what it is about, the hub tells to those who may see it. */
export function grantMail({ agendaName, change, aboutId }: GrantNotice): Omit<Mail, 'to'> {
  if (!isOther(change)) {
    const { fr, en } = CHANGES[change];
    return {
      subject: `Unisson : un droit a changé sur l'agenda « ${agendaName} »`,
      text: [
        `${fr} sur l'agenda « ${agendaName} ». Pour le consulter ou le retirer : /v1/grants/${aboutId}`,
        '',
        `${en} on the agenda "${agendaName}". To look at it or withdraw it: /v1/grants/${aboutId}`,
      ].join('\n'),
    };
  }
  const { fr, en } = OTHERS[change];
  const where = change.startsWith('export') ? `/v1/exports/${aboutId}` : '/v1/identities';
  return {
    subject: `Unisson : ${fr.charAt(0).toLowerCase()}${fr.slice(1)}`,
    text: [`${fr}. Pour le consulter : ${where}`, '', `${en}. To look at it: ${where}`].join('\n'),
  };
}
