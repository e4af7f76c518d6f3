import { ConnectorError, retryAfterMs, type ConnectorErrorKind, type HttpAnswer } from '#connector-sdk';
import type { AgendaDocument } from './parts.js';
import { at } from './paths.js';

type Rule = AgendaDocument['errors'][number];

/** What an exchange was, as far as its failures are concerned. */
export interface Asked {
  /** True when it may have changed something. */
  readonly write: boolean;
  /** Epoch milliseconds, to read a `Retry-After` date. */
  readonly now: number;
}

/** An answer with its body read: `undefined` where it is no JSON. */
export interface Answer extends Pick<HttpAnswer, 'status' | 'headers'> {
  readonly json: unknown;
}

/** The agenda itself is gone: never to be taken for the removal of one of its entries. */
export class AgendaGone extends ConnectorError {
  constructor(status: number) {
    super('invalid', 'the backend does not know this agenda', { status });
  }
}

const SAID: Readonly<Record<ConnectorErrorKind, string>> = {
  auth: 'the backend refused the credentials',
  forbidden: 'the credentials do not open this',
  taken: 'the interval is taken in the agenda',
  stale: 'the entry has another version by now',
  not_found: 'the entry is gone',
  cursor_expired: 'the list of changes no longer reaches back to the cursor',
  rate_limited: 'the backend asks to slow down',
  unavailable: 'the backend is out of service',
  unknown: 'the backend did not say whether it was done',
  invalid: 'the backend refused the content of the request',
  moved: 'the agenda has gone to another backend',
};
/** Answers of what may stand in between (a gateway, a wall) are no news about an entry: these are believed in JSON only. */
const WITHOUT_JSON: ReadonlySet<string> = new Set(['auth', 'rate_limited', 'unavailable']);

/** The error that an answer is; `null` when it is none. The document's rules come first. */
export function errorOf(answer: Answer, rules: readonly Rule[], asked: Asked): ConnectorError | null {
  const means = rules.find((rule) => fits(rule, answer))?.means ?? usually(answer);
  if (means === null) return null;
  const { status } = answer;
  if (means === 'agenda_gone') return new AgendaGone(status);
  if (means === 'unusable') {
    const said = `unusable answer from the backend (status ${String(status)})`;
    return new ConnectorError(asked.write ? 'unknown' : 'unavailable', said, waiting(answer, asked));
  }
  const kind = means === 'unavailable' && asked.write && status >= 500 ? 'unknown' : means;
  return new ConnectorError(kind, SAID[kind], waiting(answer, asked));
}

/** What is said by the status alone when the document has no rule for it. */
function usually({ status, json }: Answer): Rule['means'] | 'unusable' | null {
  if (status >= 200 && status < 300) return null;
  if (status === 401) return 'auth';
  if (status === 429) return 'rate_limited';
  return status === 403 && json !== undefined ? 'forbidden' : 'unusable';
}

function waiting({ status, headers }: Answer, { now }: Asked): { status: number; retryAfterMs: number | undefined } {
  return { status, retryAfterMs: retryAfterMs(headers['retry-after'], now) };
}

function fits({ status, path, equals, means }: Rule, answer: Answer): boolean {
  if (status !== undefined && !status.includes(answer.status)) return false;
  if (answer.json === undefined && !WITHOUT_JSON.has(means)) return false;
  if (path === undefined) return true;
  const value = at(answer.json, path);
  return equals === undefined ? value !== undefined && value !== null : equals.some((one) => one === value);
}

/** An answer that is not what the document says; `where` names the document's part, never what was answered. */
export function unlike(where: string, { write }: Pick<Asked, 'write'>): ConnectorError {
  return new ConnectorError(write ? 'unknown' : 'unavailable', `the answer is not what the document says at ${where}`);
}
