import {
  PatientStore,
  type Actor,
  type AppointmentRecord,
  type ErasureRecord,
  type FormerText,
  type Known,
  type Look,
  type Portable,
  type Seed,
  type Vault,
  type Visit,
  type Wanted,
  type Patient,
} from '#application';
import type { Database, Transaction } from '../database.js';
import { keyLeftDigests, textDigest } from './mirror-digests.js';
import { eraseRecords, say, textsDue } from './patient-changes.js';
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
  readonly mark: string;
}

const APPOINTMENTS = `SELECT 'appointment' AS kind, p.appointment_id AS id, ${sealedPatient('p')} AS sealed, p.appointment_id || md5(p.sealed) AS mark FROM patient_identity p WHERE p.organization_id = $1`;
const ENTRIES = `SELECT 'entry' AS kind, e.id, ${sealedWaiting('e')} AS sealed, e.id || md5(e.sealed) AS mark FROM waiting_entry e WHERE e.organization_id = $1 AND e.sealed IS NOT NULL`;
const isFound = (row: string): string => `(${row}.phone_index = $2 OR ${row}.fingerprint = $3)`;
const CANDIDATES = `${APPOINTMENTS} AND ${isFound('p')} UNION ALL ${ENTRIES} AND ${isFound('e')} ORDER BY id LIMIT ${String(MOST_RECORDS)}`;
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
    return (await this.known(organizationId, seedOf(kind, '$2'), [id]))[0] ?? null;
  }

  async candidates(organizationId: string, patient: Patient): Promise<readonly Known[]> {
    return this.known(organizationId, CANDIDATES, await this.foundBy(organizationId, patient));
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
    { look, texts, actor }: { readonly look: Look; readonly texts: readonly FormerText[]; readonly actor: Actor },
  ): Promise<boolean> {
    const sealed = await Promise.all(known.map((record) => this.sealed(organizationId, record)));
    const due = await this.due(organizationId, texts);
    return this.unlessChanged(organizationId, look, async (transaction) => {
      await transaction.query(`SELECT set_config('app.rewriting', 'on', true)`);
      for (const [kind, table, key] of [
        ['appointment', 'patient_identity', 'appointment_id'],
        ['entry', 'waiting_entry', 'id'],
      ] as const) {
        const rows = sealed.filter((record) => record.kind === kind);
        await transaction.query(
          `UPDATE ${table} t SET sealed = x.sealed, fingerprint = x.fingerprint FROM unnest($2::uuid[], $3::bytea[], $4::bytea[]) AS x(id, sealed, fingerprint)
           WHERE t.organization_id = $1 AND t.${key} = x.id AND t.sealed IS NOT NULL`,
          [
            organizationId,
            rows.map(({ id }) => id),
            rows.map(({ value }) => value),
            rows.map(({ fingerprint }) => fingerprint),
          ],
        );
      }
      await textsDue(transaction, organizationId, { due, erasureId: null });
      await say(transaction, 'patient-rectified', { known, actor });
    });
  }

  async erase(
    organizationId: string,
    known: readonly Known[],
    { id, look, texts, actor }: Parameters<PatientStore['erase']>[2],
  ): Promise<boolean> {
    const of = (kind: Known['kind']): string[] => known.filter((one) => one.kind === kind).map((one) => one.id);
    const [appointments, entries] = [of('appointment'), of('entry')];
    const raw = await this.naming(organizationId, known);
    const due = await this.due(organizationId, texts);
    const gone = { id, appointments, entries, raw, copies: texts.length, actor };
    return this.unlessChanged(organizationId, look, async (transaction) => {
      await eraseRecords(transaction, organizationId, gone);
      await textsDue(transaction, organizationId, { due, erasureId: id });
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

  async retain(organizationId: string): Promise<number> {
    while ((await keyLeftDigests({ database: this.database, vault: this.vault }, organizationId)) > 0);
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

  /**
   * Whoever books, or puts on the waiting list, locks the agendas that it names: while all of them are locked here, nothing
   * is added to what the look finds.
   */
  private async unlessChanged(
    organizationId: string,
    { seed, patient, marks }: Look,
    change: (transaction: Transaction) => Promise<void>,
  ): Promise<boolean> {
    const by = await this.foundBy(organizationId, patient);
    return this.inside(organizationId, async (transaction) => {
      const agendas = 'SELECT 1 FROM agenda WHERE organization_id = $1 ORDER BY id FOR UPDATE';
      await transaction.query(agendas, [organizationId]);
      const seen = `SELECT mark FROM (${CANDIDATES}) c WHERE id <> $4 UNION ALL (SELECT mark FROM (${seedOf(seed.kind, '$4')}) s)`;
      const [row] = await transaction.query<{ marks: string[] | null }>(
        `SELECT array_agg(m.mark) AS marks FROM (${seen}) m`,
        [organizationId, ...by, seed.id],
      );
      if (marks.toSorted().join() !== (row?.marks ?? []).toSorted().join()) return false;
      await change(transaction);
      return true;
    });
  }

  /** His telephone number and his name with birth date, as they are indexed. */
  private async foundBy(organizationId: string, patient: Patient): Promise<readonly (Buffer | null)[]> {
    const phone = patient.phone === undefined ? null : await phoneIndexOf(this.vault, organizationId, patient.phone);
    return [phone, await fingerprintOf(this.vault, organizationId, patient)];
  }

  private due(organizationId: string, texts: readonly FormerText[]): Promise<readonly FormerText[]> {
    return Promise.all(
      texts.map(async ({ former, ...text }) => ({
        ...text,
        former: await Promise.all(former.map((one) => textDigest(this.vault, organizationId, one))),
      })),
    );
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
      rows.map(async ({ kind, id, sealed, mark }) => {
        const patient = await (kind === 'appointment' ? openPatient : openWaiting)(this.vault, organizationId, sealed);
        return patient === null ? null : { kind, id, patient, mark };
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

function seedOf(kind: Known['kind'], id: string): string {
  return kind === 'appointment' ? `${APPOINTMENTS} AND p.appointment_id = ${id}` : `${ENTRIES} AND e.id = ${id}`;
}
