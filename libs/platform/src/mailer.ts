import { createTransport } from 'nodemailer';
import { Mailer, MailFailed, type Mail } from '#application';
import type { Environment } from './env.js';

/** Each step of the conversation with the mail server, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** Mails through an SMTP server. */
export class SmtpMailer extends Mailer {
  private readonly transport: ReturnType<typeof createTransport>;

  constructor(
    url: string,
    private readonly from: string,
  ) {
    super();
    this.transport = createTransport({
      url,
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  }

  /** `null` where no SMTP server is set: alerts are events only. */
  static from({ UNISSON_SMTP_URL: url, UNISSON_ALERT_FROM: from }: Environment): SmtpMailer | null {
    return url === undefined ? null : new SmtpMailer(url, from);
  }

  async send(mail: Mail): Promise<void> {
    try {
      await this.transport.sendMail({ from: this.from, ...mail });
    } catch (error) {
      throw new MailFailed(reasonOf(error));
    }
  }
}

/** The server's own words may name people and accounts: its codes say enough. */
function reasonOf(error: unknown): string {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  const told = [code, responseCode].filter((part) => typeof part === 'string' || typeof part === 'number');
  return told.length === 0 ? 'the mail server did not accept the mail' : `the mail server: ${told.join(' ')}`;
}
