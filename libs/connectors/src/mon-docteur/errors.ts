import { ConnectorError, retryAfterMs, type HttpAnswer } from '#connector-sdk';
import { parseXml, type Element } from './xml.js';

/** What a request was, as far as its failures are concerned. */
export interface Asked {
  /** True when it may have changed something. */
  readonly write: boolean;
  /** Epoch milliseconds, to read a `Retry-After` date. */
  readonly now: number;
  /** The connector that takes over what has moved; left out: as the vendor calls it. */
  readonly successor: string | undefined;
}

const AGENDA_UNKNOWN = 'the backend does not know this agenda';

/** An answer that is no success by its status. Only the vendor's own envelope is believed about agendas. */
export function errorOf(answer: HttpAnswer, { write, now, successor }: Asked): ConnectorError {
  const { status } = answer;
  const retry = retryAfterMs(answer.headers['retry-after'], now);
  if (status === 429)
    return new ConnectorError('rate_limited', 'the backend asks to slow down', { status, retryAfterMs: retry });
  if (status === 401) return new ConnectorError('auth', 'the backend refused login or password', { status });
  if (status === 403)
    return new ConnectorError('forbidden', 'the vendor must put the IP address of this server on its list', { status });
  const root = parseXml(answer.body);
  const moved = status === 410 ? movedTo(root, successor) : null;
  if (moved) return moved;
  // Its machines are looked after: nothing was even looked at.
  if (status === 503 && root?.name === 'Maintenance')
    return new ConnectorError('unavailable', 'the backend is closed for the night', { status, retryAfterMs: retry });
  const message = `unusable answer from the backend (status ${status})`;
  return new ConnectorError(write ? 'unknown' : 'unavailable', message, { status, retryAfterMs: retry });
}

/** A business error, which comes with status 200. `null`: there is none. */
export function faultOf(root: Element, write: boolean): ConnectorError | null {
  const fault = root.children.find(({ name }) => name === 'Faute');
  if (fault === undefined) return null;
  const code = fault.children.find(({ name }) => name === 'Code')?.text.trim() ?? '';
  return known(code) ?? new ConnectorError(write ? 'unknown' : 'unavailable', 'the backend failed in its own words');
}

/** An answer that was read but makes no sense. */
export function senseless(write: boolean): ConnectorError {
  return new ConnectorError(write ? 'unknown' : 'unavailable', 'the backend sent an answer that cannot be read');
}

export function isKind(error: unknown, ...kinds: readonly ConnectorError['kind'][]): error is ConnectorError {
  return ConnectorError.is(error) && kinds.includes(error.kind);
}

/** The agenda itself is gone: never to be taken for the removal of one of its appointments. */
export function isAgendaGone(error: unknown): error is ConnectorError {
  return ConnectorError.is(error) && error.kind === 'invalid' && error.message === AGENDA_UNKNOWN;
}

function known(code: string): ConnectorError | undefined {
  switch (code) {
    case 'CRENEAU_OCCUPE':
      return new ConnectorError('taken', 'the interval is taken in the agenda');
    case 'RDV_INCONNU':
      return new ConnectorError('not_found', 'the appointment is gone');
    case 'AGENDA_INCONNU':
      return new ConnectorError('invalid', AGENDA_UNKNOWN);
    case 'AGENDA_GELE':
      return new ConnectorError('unavailable', 'the agenda is moving to another vendor, and only read until then');
    case 'MOTIF_INCONNU':
      return new ConnectorError('invalid', 'the agenda has no such motif: enter one of its own in the settings');
    case 'HORAIRE_INVALIDE':
    case 'PERIODE_INVALIDE':
    case 'DEMANDE_ILLISIBLE':
      return new ConnectorError('invalid', 'the backend refused the content of the request');
    default:
      return undefined;
  }
}

function movedTo(root: Element | null, configured: string | undefined): ConnectorError | null {
  if (root?.name !== 'AgendaDeplace') return null;
  const { systeme = '', agenda = '' } = root.children.find(({ name }) => name === 'Successeur')?.attributes ?? {};
  const connectorId = configured ?? systeme.toLowerCase();
  if (agenda === '' || !/^[a-z0-9-]{1,64}$/.test(connectorId)) return null;
  const movedTo = { connectorId, agendaId: agenda };
  return new ConnectorError('moved', 'the agenda has moved to another vendor for good', { status: 410, movedTo });
}
