import {
  WaitingEntries,
  type EntryState,
  type Patient,
  type RequestKey,
  type Vault,
  type WaitingEntry,
  type WaitingWish,
  type WishFault,
} from '#application';
import type { Audience, Availability, Priority } from '#domain';
import type { Database, Transaction } from '../database.js';
import { again } from './booking-calls.js';
import { fingerprintOf, openWaiting, sealedWaiting, sealWaiting } from './sealed-patients.js';

/** An entry as it is read; its patient is still sealed. */
export interface EntryRow extends Record<string, unknown> {
  readonly id: string;
  readonly sealed: Buffer | null;
  readonly motifIds: string[];
  readonly agendaIds: string[];
  readonly availability: Availability;
  readonly priority: Priority;
  readonly deadline: number | null;
  readonly audience: Audience;
  readonly state: EntryState;
  readonly appointmentId: string | null;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly closedAt: number | null;
  readonly version: number;
}

const millis = (column: string, name: string): string =>
  `floor(extract(epoch FROM e.${column}) * 1000)::float8 AS "${name}"`;

export const ENTRY = `e.id, ${sealedWaiting('e')} AS sealed, e.motif_ids AS "motifIds", e.availability, e.priority, e.audience, e.state, e.version, e.appointment_id AS "appointmentId",
  e.created_by AS "createdBy", ${millis('deadline', 'deadline')}, ${millis('created_at', 'createdAt')}, ${millis('closed_at', 'closedAt')},
  ARRAY(SELECT w.agenda_id FROM waiting_wish w WHERE w.organization_id = e.organization_id AND w.entry_id = e.id ORDER BY w.agenda_id) AS "agendaIds"`;

/** The waiting list in PostgreSQL. */
export class PgWaitingEntries extends WaitingEntries {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
  ) {
    super();
  }

  create(entry: Parameters<WaitingEntries['create']>[0], key: RequestKey): ReturnType<WaitingEntries['create']> {
    return again(() => this.insert(entry, key));
  }

  async get({ organizationId, id }: { organizationId: string; id: string }): Promise<WaitingEntry | null> {
    const text = `SELECT ${ENTRY} FROM waiting_entry e WHERE e.organization_id = $1 AND e.id = $2`;
    const [row] = await this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<EntryRow>(text, [organizationId, id]),
    );
    return row === undefined ? null : entryOf(this.vault, organizationId, row);
  }

  async list(query: Parameters<WaitingEntries['list']>[0]): Promise<readonly WaitingEntry[]> {
    const { organizationId, agendaIds, states, after, limit } = query;
    const rows = await this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<EntryRow>(
        `SELECT ${ENTRY} FROM waiting_entry e WHERE e.organization_id = $1 AND (cardinality($2::text[]) = 0 OR e.state = ANY ($2))
           AND (cardinality($3::uuid[]) = 0 OR EXISTS (SELECT 1 FROM waiting_wish w WHERE w.organization_id = e.organization_id AND w.entry_id = e.id AND w.agenda_id = ANY ($3)))
           AND ($4::float8 IS NULL OR (date_trunc('milliseconds', e.created_at), e.id) > (to_timestamp($4 / 1000), $5::uuid))
         ORDER BY date_trunc('milliseconds', e.created_at), e.id LIMIT $6`,
        [organizationId, states, agendaIds, after?.at ?? null, after?.id ?? null, limit],
      ),
    );
    return Promise.all(rows.map((row) => entryOf(this.vault, organizationId, row)));
  }

  async change(change: Parameters<WaitingEntries['change']>[0]): ReturnType<WaitingEntries['change']> {
    const { organizationId, id, version, actor, patient, motifIds, agendaIds, availability, priority } = change;
    const sealed = patient && (await this.seal(organizationId, id, patient));
    return this.database.withOrganization(organizationId, async (transaction) => {
      // Agendas before entries, as bookings lock them.
      const fault = await faultOf(transaction, { motifIds: motifIds ?? [], agendaIds: agendaIds ?? [] });
      const found = await lockEntry(transaction, id, version);
      if (found !== 'waiting') return { outcome: found === 'withdrawn' ? 'ended' : found };
      if (fault !== null) return fault;
      const values = [organizationId, id, sealed?.sealed, sealed?.fingerprint, motifIds, availability, priority];
      const deadline = change.deadline === undefined ? [false, null] : [true, change.deadline];
      await transaction.query(
        `UPDATE waiting_entry SET sealed = coalesce($3, sealed), fingerprint = CASE WHEN $3::bytea IS NULL THEN fingerprint ELSE $4 END, motif_ids = coalesce($5, motif_ids),
           availability = coalesce($6, availability), priority = coalesce($7, priority),
           deadline = CASE WHEN $8 THEN to_timestamp($9::numeric / 1000) ELSE deadline END, version = version + 1
         WHERE organization_id = $1 AND id = $2`,
        [...values.map((value) => value ?? null), ...deadline],
      );
      if (agendaIds !== undefined) await putWishes(transaction, { organizationId, id, agendaIds });
      await noteVacancies(transaction, id, { what: 'changed', actor });
      return { outcome: 'changed' };
    });
  }

  withdraw(withdrawal: Parameters<WaitingEntries['withdraw']>[0]): ReturnType<WaitingEntries['withdraw']> {
    const { organizationId, id, version, actor } = withdrawal;
    return this.database.withOrganization(organizationId, async (transaction) => {
      const found = await lockEntry(transaction, id, version);
      if (found !== 'waiting') return found;
      await transaction.query(`SELECT close_waiting_entry($1, 'withdrawn', NULL, $2)`, [id, actor]);
      return 'withdrawn';
    });
  }

  private async insert(
    entry: Parameters<WaitingEntries['create']>[0],
    { key, hash }: RequestKey,
  ): ReturnType<WaitingEntries['create']> {
    const { organizationId, id, patient, motifIds, agendaIds, availability, priority, deadline, audience, actor } =
      entry;
    const { sealed, fingerprint } = await this.seal(organizationId, id, patient);
    return this.database.withOrganization(organizationId, async (transaction) => {
      const known = 'SELECT state, resource FROM find_key($1, $2)';
      const [row] = await transaction.query<{ state: string; resource: string }>(known, [key, hash]);
      if (row?.state === 'reused') return { outcome: 'reused' };
      if (row !== undefined && row.state !== 'new') return { outcome: 'created', id: row.resource };
      const fault = await faultOf(transaction, entry);
      if (fault !== null) return fault;
      await transaction.query(
        `INSERT INTO waiting_entry (organization_id, id, sealed, fingerprint, motif_ids, availability, priority, deadline, audience, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, to_timestamp($8::numeric / 1000), $9, $10)`,
        [organizationId, id, sealed, fingerprint, motifIds, availability, priority, deadline, audience, actor.id],
      );
      await putWishes(transaction, { organizationId, id, agendaIds });
      await noteVacancies(transaction, id, { what: 'created', actor });
      await transaction.query(`SELECT keep_key($1, $2, $3, 201, '{}')`, [key, hash, id]);
      return { outcome: 'created', id };
    });
  }

  private async seal(
    organizationId: string,
    id: string,
    patient: Patient,
  ): Promise<{ sealed: Buffer; fingerprint: Buffer | null }> {
    const sealed = await sealWaiting(this.vault, organizationId, id, patient);
    return { sealed, fingerprint: await fingerprintOf(this.vault, organizationId, patient) };
  }
}

/** Opens a row. */
export async function entryOf(
  vault: Vault,
  organizationId: string,
  { sealed, ...row }: EntryRow,
): Promise<WaitingEntry> {
  return { ...row, patient: await openWaiting(vault, organizationId, sealed) };
}

/** Locks the agendas named against being removed; what is named and does not exist is a fault. */
async function faultOf(
  transaction: Transaction,
  { motifIds, agendaIds }: Pick<WaitingWish, 'motifIds' | 'agendaIds'>,
): Promise<WishFault | null> {
  const locked = 'SELECT 1 FROM agenda WHERE id = ANY ($1) ORDER BY id FOR KEY SHARE';
  if ((await transaction.query(locked, [agendaIds])).length < new Set(agendaIds).size)
    return { outcome: 'unknown-reference', field: 'agendas' };
  const known = 'SELECT 1 FROM motif WHERE id = ANY ($1) AND active';
  if ((await transaction.query(known, [motifIds])).length < new Set(motifIds).size)
    return { outcome: 'unknown-reference', field: 'motifs' };
  return null;
}

async function lockEntry(
  transaction: Transaction,
  id: string,
  version: number,
): Promise<'waiting' | 'withdrawn' | 'unknown' | 'stale' | 'ended'> {
  const text = 'SELECT state, version FROM waiting_entry WHERE id = $1 FOR UPDATE';
  const [row] = await transaction.query<{ state: EntryState; version: number }>(text, [id]);
  if (row === undefined) return 'unknown';
  if (row.state === 'waiting') return row.version === version ? 'waiting' : 'stale';
  return row.state === 'withdrawn' ? 'withdrawn' : 'ended';
}

async function putWishes(
  transaction: Transaction,
  { organizationId, id, agendaIds }: { organizationId: string; id: string; agendaIds: readonly string[] },
): Promise<void> {
  await transaction.query('DELETE FROM waiting_wish WHERE organization_id = $1 AND entry_id = $2', [
    organizationId,
    id,
  ]);
  await transaction.query(
    'INSERT INTO waiting_wish (organization_id, entry_id, agenda_id) SELECT DISTINCT $1::uuid, $2::uuid, x FROM unnest($3::uuid[]) x ORDER BY x',
    [organizationId, id, agendaIds],
  );
}

/** A wish that is new may fit what is free already. */
async function noteVacancies(
  transaction: Transaction,
  id: string,
  event: { what: string; actor: unknown },
): Promise<void> {
  await transaction.query('SELECT note_vacancy(organization_id, agenda_id) FROM waiting_wish WHERE entry_id = $1', [
    id,
  ]);
  await transaction.query('SELECT waiting_entry_event(e, $2, $3) FROM waiting_entry e WHERE e.id = $1', [
    id,
    event.what,
    event.actor,
  ]);
}
