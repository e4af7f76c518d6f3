import {
  PatientStore,
  type Actor,
  type AppointmentRecord,
  type ErasureRecord,
  type FormerText,
  type Known,
  type Portable,
  type Seed,
  type Vault,
  type Visit,
  type Wanted,
  type Patient,
} from '#application';
import type { Database, Transaction } from '../database.js';
import { mentions, portableOf } from './patient-traces.js';
import {
  fingerprintOf,
  openPatient,
  openWaiting,
  phoneIndexOf,
  sealedPatient,
  sealedWaiting,
  sealPatient,
  sealWaiting,
} from './sealed-patients.js';
import { quarantined } from './sealed-places.js';

const MOST_RECORDS = 1_000;
const RETAIN_AT_ONCE = 1_000;
/** Refusals after which a copy is left to people. */
export const MOST_REFUSALS = 5;
const ms = (expression: string): string => `floor(extract(epoch FROM ${expression}) * 1000)::float8`;

interface KnownRow extends Record<string, unknown> {
  readonly kind: Known['kind'];
  readonly id: string;
  readonly sealed: Buffer | null;
}

const APPOINTMENTS = `SELECT 'appointment' AS kind, p.appointment_id AS id, ${sealedPatient('p')} AS sealed FROM patient_identity p WHERE p.organization_id = $1`;
const ENTRIES = `SELECT 'entry' AS kind, e.id, ${sealedWaiting('e')} AS sealed FROM waiting_entry e WHERE e.organization_id = $1 AND e.sealed IS NOT NULL`;
const ERASURE = `SELECT e.id, ${ms('e.at')} AS at, cardinality(e.appointment_ids) AS appointments, cardinality(e.entry_ids) AS "waitingEntries", e.quarantined,
  jsonb_build_object('total', e.copies, 'due', (SELECT count(*) FROM text_due d WHERE d.organization_id = e.organization_id AND d.erasure_id = e.id AND d.refusals < ${String(MOST_REFUSALS)}),
    'left', (SELECT count(*) FROM text_due d WHERE d.organization_id = e.organization_id AND d.erasure_id = e.id AND d.refusals >= ${String(MOST_REFUSALS)})) AS copies
  FROM erasure e WHERE e.organization_id = $1`;

/** Patients across appointments and the waiting list, in PostgreSQL. */
export class PgPatients extends PatientStore {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
  ) {
    super();
  }

  async find(organizationId: string, wanted: Wanted, limit: number): Promise<readonly AppointmentRecord[]> {
    const [column, index] =
      'phone' in wanted
        ? (['phone_index', await phoneIndexOf(this.vault, organizationId, wanted.phone)] as const)
        : (['fingerprint', await fingerprintOf(this.vault, organizationId, wanted)] as const);
    if (index === null) return [];
    const rows = await this.inside(organizationId, (transaction) =>
      transaction.query<{ record: AppointmentRecord }>(
        `SELECT appointment_record(a) AS record FROM patient_identity p JOIN appointment a ON a.organization_id = p.organization_id AND a.id = p.appointment_id
         WHERE p.organization_id = $1 AND p.${column} = $2 AND a.status NOT IN ('held', 'expired') ORDER BY a.starts_at DESC, a.id LIMIT $3`,
        [organizationId, index, limit],
      ),
    );
    return rows.map(({ record }) => record);
  }

  async seed(organizationId: string, { kind, id }: Seed): Promise<Known | null> {
    const text = kind === 'appointment' ? `${APPOINTMENTS} AND p.appointment_id = $2` : `${ENTRIES} AND e.id = $2`;
    return (await this.known(organizationId, text, [id]))[0] ?? null;
  }

  async candidates(organizationId: string, patient: Patient): Promise<readonly Known[]> {
    const phone = patient.phone === undefined ? null : await phoneIndexOf(this.vault, organizationId, patient.phone);
    const person = await fingerprintOf(this.vault, organizationId, patient);
    const which = (row: string): string => `(${row}.phone_index = $2 OR ${row}.fingerprint = $3)`;
    const text = `${APPOINTMENTS} AND ${which('p')} UNION ALL ${ENTRIES} AND ${which('e')} LIMIT ${String(MOST_RECORDS)}`;
    return this.known(organizationId, text, [phone, person]);
  }

  visits(organizationId: string, ids: readonly string[]): Promise<readonly Visit[]> {
    return this.inside(organizationId, (transaction) =>
      transaction.query<Visit & Record<string, unknown>>(
        `SELECT a.id, ${ms('a.starts_at')} AS start, is_live(a.status) AND upper(a.during) > clock_timestamp() AS ahead, t.label_fr AS "motifLabel", a.overbooking IS NOT NULL AS overbooked,
           (SELECT l.id FROM link l WHERE l.organization_id = a.organization_id AND l.agenda_id = a.agenda_id AND l.direction = 'two-way' AND (EXISTS
             (SELECT 1 FROM mirror m WHERE m.organization_id = a.organization_id AND m.link_id = l.id AND m.appointment_id = a.id) OR EXISTS
             (SELECT 1 FROM remote_write w WHERE w.organization_id = a.organization_id AND w.appointment_id = a.id))) AS "linkId"
         FROM appointment a JOIN motif t ON t.organization_id = a.organization_id AND t.id = a.motif_id WHERE a.organization_id = $1 AND a.id = ANY ($2)`,
        [organizationId, ids],
      ),
    );
  }

  portable(organizationId: string, known: readonly Known[], actor: Actor): Promise<Portable> {
    return this.inside(organizationId, (transaction) => portableOf(transaction, organizationId, { known, actor }));
  }

  async rectify(
    organizationId: string,
    known: readonly Known[],
    { texts, actor }: { readonly texts: readonly FormerText[]; readonly actor: Actor },
  ): Promise<void> {
    const sealed = await Promise.all(known.map((record) => this.sealed(organizationId, record)));
    await this.inside(organizationId, async (transaction) => {
      await transaction.query(`SELECT set_config('app.rewriting', 'on', true)`);
      for (const { kind, id, value, fingerprint } of sealed) {
        const [table, key] = kind === 'appointment' ? ['patient_identity', 'appointment_id'] : ['waiting_entry', 'id'];
        await transaction.query(
          `UPDATE ${table} SET sealed = $3, fingerprint = $4 WHERE organization_id = $1 AND ${key} = $2 AND sealed IS NOT NULL`,
          [organizationId, id, value, fingerprint],
        );
      }
      await textsDue(transaction, organizationId, { texts, erasureId: null });
      await say(transaction, 'patient-rectified', { known, actor });
    });
  }

  async erase(
    organizationId: string,
    known: readonly Known[],
    { id, texts, actor }: { readonly id: string; readonly texts: readonly FormerText[]; readonly actor: Actor },
  ): Promise<void> {
    const of = (kind: Known['kind']): string[] => known.filter((one) => one.kind === kind).map((one) => one.id);
    const [appointments, entries] = [of('appointment'), of('entry')];
    const raw = await this.naming(organizationId, known);
    await this.inside(organizationId, async (transaction) => {
      const values = [organizationId, appointments];
      await transaction.query(
        'SELECT 1 FROM agenda WHERE id IN (SELECT agenda_id FROM appointment WHERE id = ANY ($1)) ORDER BY id FOR UPDATE',
        [appointments],
      );
      for (const entry of entries)
        await transaction.query(`SELECT close_waiting_entry($1, 'withdrawn', NULL, $2)`, [
          entry,
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
      await transaction.query(
        'DELETE FROM callback_task WHERE organization_id = $1 AND appointment_id = ANY ($2)',
        values,
      );
      await transaction.query(
        `UPDATE appointment SET reason = reason - 'text' WHERE organization_id = $1 AND id = ANY ($2) AND reason ? 'text'`,
        values,
      );
      await transaction.query(
        `UPDATE idempotency SET response = '{}' WHERE organization_id = $1 AND resource_id = ANY ($2) AND response IS NOT NULL`,
        [organizationId, [...appointments, ...entries]],
      );
      await transaction.query('DELETE FROM quarantine WHERE organization_id = $1 AND id = ANY ($2)', [
        organizationId,
        raw,
      ]);
      await transaction.query(
        `INSERT INTO erasure (organization_id, id, appointment_ids, entry_ids, quarantined, copies, actor) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
        [organizationId, id, appointments, entries, raw.length, texts.length, JSON.stringify(actor)],
      );
      await textsDue(transaction, organizationId, { texts, erasureId: id });
      await say(transaction, 'patient-erased', { known, actor });
    });
  }

  async erasure(organizationId: string, id: string): Promise<ErasureRecord | null> {
    const [row] = await this.inside(organizationId, (transaction) =>
      transaction.query<ErasureRecord & Record<string, unknown>>(`${ERASURE} AND e.id = $2`, [organizationId, id]),
    );
    return row ?? null;
  }

  async erasureOf(organizationId: string, id: string): Promise<string | null> {
    const [row] = await this.inside(organizationId, (transaction) =>
      transaction.query<{ id: string }>(
        'SELECT id FROM erasure WHERE organization_id = $1 AND ($2::uuid = ANY (appointment_ids) OR $2::uuid = ANY (entry_ids)) ORDER BY at DESC LIMIT 1',
        [organizationId, id],
      ),
    );
    return row?.id ?? null;
  }

  retain(organizationId: string): Promise<number> {
    return this.inside(organizationId, async (transaction) => {
      const over = `(SELECT identity_days * interval '1 day' FROM organization WHERE organization_id = $1)`;
      const gone = await transaction.query<{ id: string }>(
        `DELETE FROM patient_identity p WHERE p.organization_id = $1 AND p.appointment_id IN (SELECT a.id FROM appointment a JOIN patient_identity i
           ON i.organization_id = a.organization_id AND i.appointment_id = a.id WHERE a.organization_id = $1 AND a.starts_at < clock_timestamp() - ${over} AND upper(a.during) < clock_timestamp() - ${over} LIMIT $2)
         RETURNING p.appointment_id AS id`,
        [organizationId, RETAIN_AT_ONCE],
      );
      await transaction.query(
        `UPDATE appointment SET reason = reason - 'text' WHERE organization_id = $1 AND id = ANY ($2) AND reason ? 'text'`,
        [organizationId, gone.map(({ id }) => id)],
      );
      const entries = await transaction.query(
        `DELETE FROM waiting_entry e WHERE e.organization_id = $1 AND e.closed_at < clock_timestamp() - ${over} RETURNING e.id`,
        [organizationId],
      );
      const raw = await transaction.query(
        `UPDATE quarantine SET raw_sealed = '' WHERE organization_id = $1 AND at < clock_timestamp() - interval '7 days' AND octet_length(raw_sealed) > 0 RETURNING id`,
        [organizationId],
      );
      return gone.length + entries.length + raw.length;
    });
  }

  private async sealed(organizationId: string, { kind, id, patient }: Known) {
    const seal = kind === 'appointment' ? sealPatient : sealWaiting;
    const value = await seal(this.vault, organizationId, id, patient);
    return { kind, id, value, fingerprint: await fingerprintOf(this.vault, organizationId, patient) };
  }

  private async known(organizationId: string, text: string, values: readonly unknown[]): Promise<readonly Known[]> {
    const rows = await this.inside(organizationId, (transaction) =>
      transaction.query<KnownRow>(text, [organizationId, ...values]),
    );
    const opened = await Promise.all(
      rows.map(async ({ kind, id, sealed }) => {
        const patient = await (kind === 'appointment' ? openPatient : openWaiting)(this.vault, organizationId, sealed);
        return patient === null ? null : { kind, id, patient };
      }),
    );
    return opened.filter((record) => record !== null);
  }

  /** What lies in quarantine and names one of these. */
  private async naming(organizationId: string, known: readonly Known[]): Promise<string[]> {
    type Raw = { id: string; linkId: string; remoteId: string; sealed: Buffer };
    const rows = await this.inside(organizationId, (transaction) =>
      transaction.query<Raw>(
        `SELECT id, link_id AS "linkId", remote_id AS "remoteId", raw_sealed AS sealed FROM quarantine WHERE organization_id = $1 AND octet_length(raw_sealed) > 0`,
        [organizationId],
      ),
    );
    const found: string[] = [];
    for (const { id, linkId, remoteId, sealed } of rows) {
      const raw = await this.vault.open(organizationId, quarantined(linkId, remoteId), sealed).catch(() => null);
      if (raw !== null && known.some(({ patient }) => mentions(raw.toString('utf8'), patient))) found.push(id);
    }
    return found;
  }

  private inside<T>(organizationId: string, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.database.withOrganization(organizationId, work);
  }
}

/** The links' lanes write these texts anew as soon as they can. */
async function textsDue(
  transaction: Transaction,
  organizationId: string,
  { texts, erasureId }: { readonly texts: readonly FormerText[]; readonly erasureId: string | null },
): Promise<void> {
  for (const { appointmentId, linkId, former } of texts)
    await transaction.query(
      `INSERT INTO text_due (organization_id, appointment_id, link_id, erasure_id, former) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (organization_id, appointment_id) DO UPDATE SET former = text_due.former || excluded.former, erasure_id = coalesce(excluded.erasure_id, text_due.erasure_id), refusals = 0`,
      [organizationId, appointmentId, linkId, erasureId, former],
    );
  await transaction.query(
    'UPDATE link SET rewriting = true, poll_at = now() WHERE organization_id = $1 AND id = ANY ($2)',
    [organizationId, [...new Set(texts.map(({ linkId }) => linkId))]],
  );
}

/** Each record's event says that, and nothing of what. */
async function say(
  transaction: Transaction,
  type: string,
  { known, actor }: { readonly known: readonly Known[]; readonly actor: Actor },
): Promise<void> {
  for (const { kind, id } of known)
    await transaction.query(
      `SELECT append_event($1, (SELECT a.agenda_id FROM appointment a WHERE a.organization_id = current_organization() AND a.id = $2), $2, $3, $4)`,
      [type, id, JSON.stringify(actor), JSON.stringify({ record: kind })],
    );
}
