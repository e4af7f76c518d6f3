import { healthOf, type HealthStore } from './health.js';
import type { HealthFacts, Light } from './health-facts.js';

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** Sends mails to people; never anything about a patient. */
export abstract class Mailer {
  /** Throws MailFailed when it was not accepted. */
  abstract send(mail: Mail): Promise<void>;
}

/** A mail was not accepted. The message tells why, without address or secret. */
export class MailFailed extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MailFailed';
  }
}

export abstract class AlertStore {
  /** Says a change of light, once: nothing happens when another process has said it. */
  abstract turned(
    organizationId: string,
    link: { id: string; agendaId: string },
    change: { from: Light; to: Light; data: object; everyMs: number },
  ): Promise<void>;
  /** Red links of which somebody must be told now. Whoever is given one is the only one, until `everyMs` are over. */
  abstract claim(organizationId: string, everyMs: number): Promise<readonly string[]>;
  /** The mail went out, or (`error`) did not and is due again after `retryMs`. */
  abstract mailed(
    organizationId: string,
    linkId: string,
    result: { error: string | null; retryMs: number },
  ): Promise<void>;
}

export interface AlertSettings {
  /** Between two alerts about one link, in milliseconds. */
  readonly everyMs: number;
  /** Who is told when a connection names nobody; `null` = nobody. */
  readonly fallback: string | null;
}

/** A mail that did not go out is tried again after this time (milliseconds). */
const RETRY_MS = 60_000;

/** Watches the lights of an organization's links, says each change once, and tells people until a red one is over. */
export class Alerts {
  constructor(
    private readonly parts: {
      readonly health: HealthStore;
      readonly store: AlertStore;
      /** `null`: no mails, events only. */
      readonly mailer: Mailer | null;
      readonly settings: AlertSettings;
    },
  ) {}

  async watch(organizationId: string): Promise<void> {
    const { health, store, settings } = this.parts;
    const { everyMs } = settings;
    const all = await health.facts(organizationId, null);
    for (const facts of all) {
      const { light, read, write, advice } = healthOf(facts);
      const { light: from } = facts.watch;
      if (from === light) continue;
      const data = { read: read.light, write: write.light, advice: advice.code };
      await store.turned(
        organizationId,
        { id: facts.linkId, agendaId: facts.agendaId },
        { from, to: light, data, everyMs },
      );
    }
    const claimed = new Set(await store.claim(organizationId, everyMs));
    for (const facts of all) if (claimed.has(facts.linkId)) await this.tell(organizationId, facts);
  }

  private async tell(organizationId: string, facts: HealthFacts): Promise<void> {
    const { store, mailer, settings } = this.parts;
    const to = facts.responsible?.email ?? settings.fallback;
    if (mailer === null || to === null) return;
    const error = await mailer.send({ to, ...alertMail(facts) }).then(
      () => null,
      (failure: unknown) => {
        if (failure instanceof MailFailed) return failure.message;
        throw failure;
      },
    );
    await store.mailed(organizationId, facts.linkId, { error, retryMs: RETRY_MS });
  }
}

/** What people are told: which agenda, since when, and what to do. In French, then in English. */
export function alertMail(facts: HealthFacts): { subject: string; text: string } {
  const { advice, read, write } = healthOf(facts);
  const waiting = String(write.queued);
  const age = read.ageMs === null ? null : Math.round(read.ageMs / 60_000);
  const name = facts.agendaName;
  return {
    subject: `Unisson : la liaison de l'agenda « ${name} » est au rouge`,
    text: [
      `La liaison de l'agenda « ${name} » est au rouge.`,
      age === null ? "L'agenda n'a encore jamais été lu." : `Dernière lecture complète : il y a ${String(age)} min.`,
      `Écritures en attente : ${waiting}.`,
      advice.fr,
      '',
      `The link of the agenda "${name}" is red.`,
      age === null ? 'The agenda has never been read.' : `Last complete read: ${String(age)} min ago.`,
      `Writes waiting: ${waiting}.`,
      advice.en,
      '',
      `(${facts.linkId})`,
    ].join('\n'),
  };
}
