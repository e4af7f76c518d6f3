import type { Actor, FormerText, Known } from '#application';
import type { Transaction } from '../database.js';

/** Takes who they were for from these records, and everything else that says so. */
export async function eraseRecords(
  transaction: Transaction,
  organizationId: string,
  {
    id,
    appointments,
    entries,
    raw,
    copies,
    actor,
  }: {
    readonly id: string;
    readonly appointments: readonly string[];
    readonly entries: readonly string[];
    /** Of the quarantine. */
    readonly raw: readonly string[];
    readonly copies: number;
    readonly actor: Actor;
  },
): Promise<void> {
  const values = [organizationId, appointments];
  await transaction.query(`SELECT close_waiting_entry(x, 'withdrawn', NULL, $2) FROM unnest($1::uuid[]) x ORDER BY x`, [
    entries,
    JSON.stringify(actor),
  ]);
  await transaction.query(
    'DELETE FROM waiting_entry WHERE organization_id = $1 AND id = ANY ($2) AND sealed IS NOT NULL',
    [organizationId, entries],
  );
  await transaction.query(
    'DELETE FROM patient_identity WHERE organization_id = $1 AND appointment_id = ANY ($2)',
    values,
  );
  await transaction.query('DELETE FROM callback_task WHERE organization_id = $1 AND appointment_id = ANY ($2)', values);
  await transaction.query(
    `UPDATE appointment SET reason = reason - 'text' WHERE organization_id = $1 AND id = ANY ($2) AND reason ? 'text'`,
    values,
  );
  await transaction.query(
    `UPDATE idempotency SET response = '{}' WHERE organization_id = $1 AND resource_id = ANY ($2) AND response IS NOT NULL`,
    [organizationId, [...appointments, ...entries]],
  );
  await transaction.query('DELETE FROM quarantine WHERE organization_id = $1 AND id = ANY ($2)', [organizationId, raw]);
  await transaction.query(
    `INSERT INTO erasure (organization_id, id, appointment_ids, entry_ids, quarantined, copies, actor) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [organizationId, id, appointments, entries, raw.length, copies, JSON.stringify(actor)],
  );
}

/** The links' lanes write these texts anew as soon as they can; `due` holds digests. */
export async function textsDue(
  transaction: Transaction,
  organizationId: string,
  { due, erasureId }: { readonly due: readonly FormerText[]; readonly erasureId: string | null },
): Promise<void> {
  await transaction.query(
    `INSERT INTO text_due (organization_id, appointment_id, link_id, erasure_id, former)
     SELECT $1, x."appointmentId", x."linkId", $2, x.former FROM jsonb_to_recordset($3) AS x("appointmentId" uuid, "linkId" uuid, former text[])
     ON CONFLICT (organization_id, appointment_id) DO UPDATE SET former = text_due.former || excluded.former, erasure_id = coalesce(excluded.erasure_id, text_due.erasure_id), refusals = 0`,
    [organizationId, erasureId, JSON.stringify(due)],
  );
  await transaction.query(
    'UPDATE link SET rewriting = true, poll_at = now() WHERE organization_id = $1 AND id = ANY ($2)',
    [organizationId, [...new Set(due.map(({ linkId }) => linkId))]],
  );
}

/** Each record's event says that, and nothing of what. */
export async function say(
  transaction: Transaction,
  type: string,
  { known, actor }: { readonly known: readonly Known[]; readonly actor: Actor },
): Promise<void> {
  await transaction.query(
    `SELECT append_event($1, (SELECT a.agenda_id FROM appointment a WHERE a.organization_id = current_organization() AND a.id = x.id), x.id, $2, jsonb_build_object('record', x.kind))
     FROM unnest($3::uuid[], $4::text[]) WITH ORDINALITY AS x(id, kind, n) ORDER BY x.n`,
    [type, JSON.stringify(actor), known.map(({ id }) => id), known.map(({ kind }) => kind)],
  );
}
