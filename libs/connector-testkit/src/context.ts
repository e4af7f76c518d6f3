import { inspect } from 'node:util';
import {
  ConnectorError,
  type CallOptions,
  type Capabilities,
  type CreateRequest,
  type RemoteContent,
  type Session,
} from '#connector-sdk';
import type { Interval } from '#domain';
import type { Harness, Target } from './harness.js';
import { Mirror } from './mirror.js';

const HOUR_MS = 3_600_000;
const CALL_MS = 20_000;
/** Longest single exchange of a session under examination, in milliseconds. */
export const EXCHANGE_MS = 1_500;

/** Text that must never leave through an error. */
export const SUMMARY = 'Zoé Secrète-Exemple, 06 39 98 12 34';

/** The range that pulls of the kit read. */
export const WINDOW: Interval = { start: Date.parse('2027-01-01T00:00:00Z'), end: Date.parse('2028-01-01T00:00:00Z') };
const MORNING = Date.parse('2027-06-07T07:00:00Z');

/** What one case works with. */
export class CaseContext {
  readonly session: Session;
  readonly target: Target;
  readonly harness: Harness;
  #references = 0;

  constructor(target: Target, harness: Harness) {
    this.target = target;
    this.harness = harness;
    this.session = this.open(harness.secrets);
  }

  get capabilities(): Capabilities {
    return this.target.connector.capabilities;
  }

  /** A session of its own, for instance with other secrets. */
  open(secrets: unknown): Session {
    const { connector } = this.target;
    return connector.open(
      {
        settings: connector.config.settings.parse(this.harness.settings),
        secrets: connector.config.secrets.parse(secrets),
      },
      { timeoutMs: EXCHANGE_MS, allowPrivateNetworks: true, now: Date.now },
    );
  }

  call(): CallOptions {
    return { signal: AbortSignal.timeout(CALL_MS) };
  }

  mirror(): Mirror {
    return new Mirror(this.session, this.harness.agendaId, WINDOW);
  }

  /** The nth free hour of a working day; hours of different numbers never overlap. */
  hour(n: number): Interval {
    return { start: MORNING + n * 2 * HOUR_MS, end: MORNING + n * 2 * HOUR_MS + HOUR_MS };
  }

  content(when: Interval, summary = SUMMARY, timeZone = 'Europe/Paris'): RemoteContent {
    return { ...when, timeZone, summary };
  }

  /** A create under a reference never used before. */
  booking(when: Interval, summary = SUMMARY): CreateRequest {
    this.#references += 1;
    const reference = `kit-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}-${String(this.#references)}`;
    return { agendaId: this.harness.agendaId, reference, content: this.content(when, summary) };
  }

  /** Awaits a failure, which must be a ConnectorError that gives nothing away. */
  async failure(attempt: Promise<unknown>): Promise<ConnectorError> {
    let outcome: unknown;
    try {
      outcome = await attempt;
    } catch (error) {
      if (!ConnectorError.is(error))
        throw new Error('something else than a ConnectorError was thrown', { cause: error });
      this.#refuseLeaks(error);
      return error;
    }
    throw new Error(`expected a failure, got ${inspect(outcome)}`);
  }

  #refuseLeaks(error: ConnectorError): void {
    const told = [
      error.message,
      error.stack ?? '',
      JSON.stringify(error),
      inspect(error, { depth: 10, showHidden: true }),
    ].join('\n');
    for (const hidden of [SUMMARY, ...strings(this.harness.secrets)]) {
      const forms = [
        hidden,
        encodeURIComponent(hidden),
        Buffer.from(hidden).toString('base64').replace(/=+$/, '').slice(0, -2),
      ];
      if (forms.some((form) => form.length > 5 && told.includes(form)))
        throw new Error('an error gives away a secret or a patient');
    }
  }
}

/** Every text inside a value. */
function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : [];
}
