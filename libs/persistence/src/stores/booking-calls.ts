import {
  StoreRefused,
  type AppointmentRecord,
  type BookingTerms,
  type Patient,
  type PlaceResult,
  type ReasonCode,
  type RequestKey,
} from '#application';
import type { Database, Statement, Transaction } from '../database.js';
import { judge, type Wanted } from './booking-rules.js';

interface FunctionRow extends Record<string, unknown> {
  outcome: string;
  code: ReasonCode | null;
  record: unknown;
  resource: string | null;
  status: number | null;
  remote: boolean | null;
  retry_after_ms: number | null;
  when_unreachable: 'refuse' | 'queue' | null;
}

/** Raised by keep_key: a request with the same key got there first. */
const KEY_TAKEN = 'UK001';

/** A booking function with its values, all but the last (what the booking brings along). */
export interface Call {
  readonly statement: Statement;
  readonly values: readonly unknown[];
  readonly key: RequestKey | null;
}

/** Who a booking is for, and what it brings along. */
export interface Brought {
  readonly organizationId: string;
  readonly patient: Patient | null;
  readonly fingerprint: Buffer | null;
  readonly terms: BookingTerms;
}

/** Where a ruled agenda is asked for; with the patient, where the booking itself does not bring him. */
type Ruled = Omit<Wanted, 'organizationId' | 'fingerprint'> &
  ({ readonly patient?: undefined } | Pick<Brought, 'patient' | 'fingerprint'>);

/** The booking functions, and the practitioner's rules around them. */
export class BookingCalls {
  constructor(private readonly database: Database) {}

  /**
   * Most agendas have no rules of their own, and the function decides in one round trip. For one that has, the rules are
   * judged under its lock, and the function is called in the same transaction with what they allow.
   */
  async underRules(
    { statement, values, key }: Call,
    { organizationId, patient, fingerprint, terms }: Brought,
    placeOf: () => Promise<Ruled | null>,
  ): Promise<PlaceResult> {
    const { overbooking, series, acknowledged, replaces } = terms;
    const brought = { fingerprint: fingerprint?.toString('hex'), acknowledged, overbooking, series, replaces };
    const first = await again(() => this.database.call<FunctionRow>(statement, [...values, brought]));
    if (first[0]?.outcome !== 'ruled') return resultOf(first);
    const place = await placeOf();
    const given = { patient: place?.patient ?? patient, terms };
    return again(() =>
      this.database.withOrganization(organizationId, async (transaction) => {
        const judged = place && (await judge(transaction, { fingerprint, ...place, organizationId }, given));
        // A twin of a request that was in time is told its answer.
        if (judged?.outcome === 'refused') return (await answered(transaction, key)) ?? judged.result;
        // Without terms nothing is placed in a ruled agenda: then the function says what is not known.
        const allowed = judged?.outcome === 'allowed' ? { ...brought, terms: judged.terms } : brought;
        const result = resultOf(await transaction.query<FunctionRow>(statement, [...values, allowed]));
        if (judged?.outcome !== 'allowed' || (result.outcome !== 'rule' && result.outcome !== 'taken')) return result;
        return { ...result, patientVisits: judged.patientVisits };
      }),
    );
  }

  /** One of several bookings of a transaction, which holds the agenda's lock already. */
  async among(
    transaction: Transaction,
    { statement, values }: Call,
    { organizationId, patient, fingerprint, terms }: Brought,
    place: Omit<Wanted, 'organizationId' | 'fingerprint'>,
  ): Promise<PlaceResult> {
    const { overbooking, series, acknowledged, replaces } = terms;
    const brought = { fingerprint: fingerprint?.toString('hex'), acknowledged, overbooking, series, replaces };
    const first = await transaction.query<FunctionRow>(statement, [...values, brought]);
    if (first[0]?.outcome !== 'ruled') return resultOf(first);
    const judged = await judge(transaction, { ...place, organizationId, fingerprint }, { patient, terms });
    if (judged.outcome === 'refused') return judged.result;
    const allowed = judged.outcome === 'allowed' ? { ...brought, terms: judged.terms } : brought;
    return resultOf(await transaction.query<FunctionRow>(statement, [...values, allowed]));
  }

  async decide({ statement, values }: Call): Promise<PlaceResult> {
    return resultOf(await again(() => this.database.call<FunctionRow>(statement, values)));
  }
}

/** Once more when a twin got to the key first. */
export async function again<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof StoreRefused) || error.code !== KEY_TAKEN) throw error;
    return ask();
  }
}

/** What is known of a key that was used before; `null` for a new one. */
async function answered(transaction: Transaction, key: RequestKey | null): Promise<PlaceResult | null> {
  if (key === null) return null;
  const rows = await transaction.query<FunctionRow>(
    'SELECT state AS outcome, resource, status, body AS record FROM find_key($1, $2)',
    [key.key, key.hash],
  );
  return rows[0] === undefined || rows[0].outcome === 'new' ? null : resultOf(rows);
}

function resultOf([row]: readonly FunctionRow[]): PlaceResult {
  if (row === undefined) throw new Error('a booking function returned no row');
  const record = row.record as AppointmentRecord;
  switch (row.outcome) {
    case 'placed':
      return { outcome: 'placed', record, remote: row.remote ?? false };
    case 'rule':
    case 'taken':
      return { outcome: row.outcome, code: row.code ?? 'BUSY' };
    case 'double':
      return { outcome: 'double', doubles: row.record as readonly AppointmentRecord[] };
    case 'stale':
    case 'busy':
    case 'ended':
      return { outcome: row.outcome, record };
    default:
      return keyResultOf(row) ?? linkResultOf(row);
  }
}

function keyResultOf(row: FunctionRow): PlaceResult | null {
  const { outcome, resource, status, record: body } = row;
  if (outcome === 'answered') return { outcome, status: status ?? 200, body, resource };
  return outcome === 'running' ? { outcome, resource: resource ?? '' } : null;
}

function linkResultOf(row: FunctionRow): PlaceResult {
  const { outcome, resource, retry_after_ms: retryAfterMs, when_unreachable: whenUnreachable } = row;
  if (outcome === 'ruled') throw new Error('a ruled agenda was asked without terms');
  if (outcome === 'unreachable') return { outcome, retryAfterMs: retryAfterMs ?? 30_000 };
  if (outcome === 'stale-copy')
    return { outcome, agendaId: resource ?? '', whenUnreachable: whenUnreachable ?? 'refuse' };
  return { outcome: outcome as Extract<PlaceResult, { outcome: 'unknown' | 'reused' }>['outcome'] };
}
