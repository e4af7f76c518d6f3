import { e164Of, foldedName } from '#domain';
import type { Actor, Known, Patient, Portable } from '#application';
import type { Transaction } from '../database.js';

const MOST_EVENTS = 10_000;

/** True when a text names this patient: both names, or his telephone number. */
export function mentions(text: string, { lastName, firstName, phone }: Patient): boolean {
  const folded = foldedName(text);
  if (folded.includes(foldedName(lastName)) && folded.includes(foldedName(firstName))) return true;
  const number = phone === undefined ? null : e164Of(phone);
  return number !== null && text.replace(/\D/g, '').includes(number.slice(-9));
}

/** Everything that is held about these records; that it was told is an event of its own. */
export async function portableOf(
  transaction: Transaction,
  organizationId: string,
  { known, actor }: { readonly known: readonly Known[]; readonly actor: Actor },
): Promise<Portable> {
  const of = (kind: Known['kind']): string[] => known.filter((one) => one.kind === kind).map((one) => one.id);
  const [appointments, entries] = [of('appointment'), of('entry')];
  const list = async (text: string, ids: readonly string[]): Promise<object[]> =>
    (await transaction.query<{ item: object }>(text, [organizationId, ids])).map(({ item }) => item);
  const portable = {
    patients: distinct(known.map(({ patient }) => patient)),
    appointments: await list(
      `SELECT jsonb_build_object('id', a.id, 'start', a.starts_at, 'end', upper(a.during), 'status', a.status, 'practitioner', d.display_name, 'agenda', g.name, 'location', p.name,
         'motif', t.label_fr, 'reason', a.reason, 'overbooking', a.overbooking, 'createdAt', a.created_at, 'updatedAt', a.updated_at) AS item
       FROM appointment a JOIN motif t ON t.organization_id = a.organization_id AND t.id = a.motif_id JOIN agenda g ON g.organization_id = a.organization_id AND g.id = a.agenda_id
         JOIN practitioner d ON d.organization_id = g.organization_id AND d.id = g.practitioner_id JOIN location p ON p.organization_id = g.organization_id AND p.id = g.location_id
       WHERE a.organization_id = $1 AND a.id = ANY ($2) ORDER BY a.starts_at`,
      appointments,
    ),
    waiting: await list(
      `SELECT to_jsonb(e) - ARRAY['organization_id', 'sealed', 'fingerprint', 'phone_index', 'key_id'] AS item FROM waiting_entry e WHERE e.organization_id = $1 AND e.id = ANY ($2) ORDER BY e.created_at`,
      entries,
    ),
    callbacks: await list(
      `SELECT to_jsonb(c) - 'organization_id' AS item FROM callback_task c WHERE c.organization_id = $1 AND c.appointment_id = ANY ($2) ORDER BY c.created_at`,
      appointments,
    ),
    events: await list(
      `SELECT jsonb_build_object('type', e.type, 'at', e.at, 'subject', e.subject_id, 'actor', e.actor->>'kind') AS item FROM event e
       WHERE e.organization_id = $1 AND e.subject_id = ANY ($2) ORDER BY e.transaction_id, e.id LIMIT ${String(MOST_EVENTS)}`,
      [...appointments, ...entries],
    ),
    copies: await list(
      `SELECT jsonb_build_object('appointment', m.appointment_id, 'connector', c.connector_id, 'agenda', c.label, 'seenAt', m.seen_at, 'gone', m.gone_at IS NOT NULL) AS item FROM mirror m
         JOIN link l ON l.organization_id = m.organization_id AND l.id = m.link_id JOIN connection c ON c.organization_id = l.organization_id AND c.id = l.connection_id
       WHERE m.organization_id = $1 AND m.appointment_id = ANY ($2) ORDER BY m.seen_at`,
      appointments,
    ),
  };
  for (const { kind, id } of known.slice(0, 1))
    await transaction.query(
      `SELECT append_event('patient-exported', (SELECT a.agenda_id FROM appointment a WHERE a.organization_id = current_organization() AND a.id = $1), $1, $2, $3)`,
      [id, JSON.stringify(actor), JSON.stringify({ record: kind })],
    );
  return portable;
}

function distinct(patients: readonly Patient[]): Patient[] {
  return [...new Map(patients.map((patient) => [JSON.stringify(patient), patient])).values()];
}
