import type { Vault } from '#application';
import type { Database, Transaction } from '../database.js';

/** The register of processing of one organization (RGPD, article 30), as far as the hub knows it. */
export interface Register {
  readonly organization: string;
  readonly purposes: readonly string[];
  readonly subjects: Readonly<Record<string, number>>;
  readonly data: readonly string[];
  readonly recipients: readonly {
    readonly connector: string;
    readonly agendas: number;
    readonly discloses: readonly string[];
  }[];
  readonly retention: Readonly<Record<string, string>>;
  readonly security: readonly string[];
  readonly transfers: string;
}

/** What a breach between two instants can have touched (RGPD, article 33). Subjects by pseudonyms that only the hub can lead back. */
export interface BreachReport {
  readonly organization: string;
  readonly from: string;
  readonly to: string;
  readonly agendas: readonly {
    readonly id: string;
    readonly name: string;
    readonly practitioner: string;
    readonly appointments: number;
  }[];
  readonly appointments: number;
  readonly waitingEntries: number;
  readonly subjects: { readonly count: number; readonly pseudonyms: readonly string[] };
  readonly categories: readonly string[];
  readonly readings: Readonly<Record<string, number>>;
}

const PURPOSES = [
  'Prise, modification et annulation de rendez-vous pour le compte des praticiens',
  'Synchronisation avec l’agenda de chaque praticien',
  'Liste d’attente et rappel des patients',
];
const DATA = [
  'Patients : nom, prénom ; facultatifs : date de naissance, téléphone, adresse électronique, nouveau patient, réponses aux questions du motif',
  'Rendez-vous : praticien, lieu, motif, date et heure, état',
  'Collaborateurs : nom, actions',
];
const SECURITY = [
  'Identité chiffrée par patient (AES-256-GCM), clés chiffrées par organisation et par clé maîtresse hors base',
  'Isolation des organisations par la base (row-level security)',
  'Recherche par empreintes à clé ; ni identité ni secret dans les journaux, adresses et files',
  'Effacement par destruction des clés, propagé aux agendas des praticiens',
];
const CATEGORIES = ['identité', 'coordonnées', 'rendez-vous (praticien, motif)'];
const PSEUDONYM_BYTES = 12;

/** Registers and reports that the controller owes, in one look each. */
export class PgRegisters {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
  ) {}

  /** `null`: no such organization. */
  register(organizationId: string): Promise<Register | null> {
    return this.inside(organizationId, async (transaction) => {
      const [row] = await transaction.query<{
        name: string;
        days: number;
        patients: number;
        waiting: number;
        collaborators: number;
      }>(
        `SELECT o.name, o.identity_days AS days, (SELECT count(DISTINCT coalesce(p.fingerprint, p.phone_index, uuid_send(p.appointment_id))) FROM patient_identity p WHERE p.organization_id = $1)::int AS patients,
           (SELECT count(*) FROM waiting_entry e WHERE e.organization_id = $1 AND e.sealed IS NOT NULL)::int AS waiting, (SELECT count(*) FROM collaborator c WHERE c.organization_id = $1 AND c.active)::int AS collaborators
         FROM organization o WHERE o.organization_id = $1`,
        [organizationId],
      );
      if (row === undefined) return null;
      const recipients = await transaction.query<Register['recipients'][number] & Record<string, unknown>>(
        `SELECT c.connector_id AS connector, count(DISTINCT l.agenda_id)::int AS agendas, array_agg(DISTINCT l.disclosure) AS discloses
         FROM link l JOIN connection c ON c.organization_id = l.organization_id AND c.id = l.connection_id WHERE l.organization_id = $1 GROUP BY c.connector_id ORDER BY 1`,
        [organizationId],
      );
      const { name, days, patients, waiting, collaborators } = row;
      return {
        organization: name,
        purposes: PURPOSES,
        subjects: { patients, waiting, collaborators },
        data: DATA,
        recipients,
        retention: {
          identity: `${String(days)} jours après le rendez-vous`,
          unreadableObjects: '7 jours',
          idempotencyAnswers: '30 jours',
          times: 'sans limite, sans identité (statistiques)',
        },
        security: SECURITY,
        transfers:
          'Aucun par le logiciel hors des agendas ci-dessus ; lieu d’hébergement : à compléter par l’exploitant',
      };
    });
  }

  /** What was held or changed between two instants (epoch milliseconds, `[from, to)`), on one agenda or all. */
  async breach(
    organizationId: string,
    { from, to, agendaId }: { readonly from: number; readonly to: number; readonly agendaId: string | null },
  ): Promise<BreachReport | null> {
    const values = [organizationId, from, to, agendaId];
    // Exposed is what was held in the period: booked before its end, and not erased before its beginning.
    const held = `a.organization_id = $1 AND a.created_at < to_timestamp($3::numeric / 1000) AND ($4::uuid IS NULL OR a.agenda_id = $4) AND a.status <> 'held'
      AND upper(a.during) >= to_timestamp($2::numeric / 1000) - (SELECT identity_days * interval '1 day' FROM organization WHERE organization_id = $1)`;
    const found = await this.inside(organizationId, async (transaction) => {
      const [organization] = await transaction.query<{ name: string }>(
        'SELECT name FROM organization WHERE organization_id = $1',
        [organizationId],
      );
      if (organization === undefined) return null;
      type Agenda = BreachReport['agendas'][number] & Record<string, unknown>;
      const agendas = await transaction.query<Agenda>(
        `SELECT g.id, g.name, d.display_name AS practitioner, count(*)::int AS appointments FROM appointment a JOIN agenda g ON g.organization_id = a.organization_id AND g.id = a.agenda_id
           JOIN practitioner d ON d.organization_id = g.organization_id AND d.id = g.practitioner_id WHERE ${held} GROUP BY g.id, g.name, d.display_name ORDER BY d.display_name, g.id`,
        values,
      );
      const subjects = await transaction.query<{ subject: Buffer }>(
        `SELECT DISTINCT coalesce(p.fingerprint, p.phone_index, uuid_send(p.appointment_id)) AS subject FROM appointment a
           JOIN patient_identity p ON p.organization_id = a.organization_id AND p.appointment_id = a.id WHERE ${held}`,
        values,
      );
      const [waiting] = await transaction.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM waiting_entry e WHERE e.organization_id = $1 AND e.created_at < to_timestamp($3::numeric / 1000) AND coalesce(e.closed_at, 'infinity') >= to_timestamp($2::numeric / 1000)
           AND ($4::uuid IS NULL OR EXISTS (SELECT 1 FROM waiting_wish w WHERE w.organization_id = e.organization_id AND w.entry_id = e.id AND w.agenda_id = $4))`,
        values,
      );
      const readings = await transaction.query<{ type: string; n: number }>(
        `SELECT type, count(*)::int AS n FROM event WHERE organization_id = $1 AND at >= to_timestamp($2::numeric / 1000) AND at < to_timestamp($3::numeric / 1000)
           AND ($4::uuid IS NULL OR agenda_id = $4) AND type IN ('patient-exported', 'patient-rectified', 'patient-erased', 'quarantine-read') GROUP BY type ORDER BY type`,
        values,
      );
      return { organization, agendas, subjects, waiting: waiting?.n ?? 0, readings };
    });
    if (found === null) return null;
    const pseudonyms = await Promise.all(found.subjects.map(({ subject }) => this.pseudonym(organizationId, subject)));
    return {
      organization: found.organization.name,
      from: new Date(from).toISOString(),
      to: new Date(to).toISOString(),
      agendas: found.agendas,
      appointments: found.agendas.reduce((sum, { appointments }) => sum + appointments, 0),
      waitingEntries: found.waiting,
      subjects: { count: pseudonyms.length, pseudonyms: pseudonyms.sort() },
      categories: CATEGORIES,
      readings: Object.fromEntries(found.readings.map(({ type, n }) => [type, n])),
    };
  }

  private async pseudonym(organizationId: string, subject: Buffer): Promise<string> {
    const hash = await this.vault.fingerprint(organizationId, 'pseudonym', subject.toString('hex'));
    return hash.subarray(0, PSEUDONYM_BYTES).toString('hex');
  }

  private inside<T>(organizationId: string, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.database.withOrganization(organizationId, work);
  }
}
