import type { Absence, Agent, Endpoint, Organisation, Rdv } from './model.js';
import { stampOf } from './paris.js';
import type { RdvStore } from './store.js';

const SUFFIX = 'RDV Solidarités';

export function agentView({ id, email, firstName, lastName }: Agent): object {
  return { id, email, first_name: firstName, inclusion_connect_open_id_sub: null, last_name: lastName };
}

export function organisationView({ id, name }: Organisation): object {
  return { id, email: null, name, phone_number: null, verticale: 'rdv_solidarites' };
}

export function absenceView(store: RdvStore, absence: Absence): object {
  const agent = store.agents.get(absence.agentId);
  const organisation = store.organisations.get(agent?.organisationIds[0] ?? 0);
  return {
    id: absence.id,
    agent: agent ? agentView(agent) : null,
    end_day: absence.endDay,
    end_time: absence.endTime,
    first_day: absence.firstDay,
    ical: calendar(absence),
    ical_uid: uid(absence),
    ...(organisation ? { organisation: organisationView(organisation) } : {}),
    rrule: absence.rrule,
    start_time: absence.startTime,
    title: absence.title,
  };
}

export function rdvView(store: RdvStore, rdv: Rdv): object {
  const agent = store.agents.get(rdv.agentId);
  const organisation = store.organisations.get(rdv.organisationId);
  const patient = { id: 900_000 + rdv.id, first_name: 'Camille', last_name: `EXEMPLE ${rdv.id}` };
  const [created_by_type, created_by_id] = rdv.by === 'patient' ? ['User', patient.id] : ['Agent', rdv.agentId];
  return {
    id: rdv.id,
    address: '1 place de l’Exemple, Villefictive, 00000',
    agents: agent ? [agentView(agent)] : [],
    cancelled_at: rdv.status === 'excused' || rdv.status === 'revoked' ? stampOf(rdv.end) : null,
    collectif: false,
    context: null,
    created_by: rdv.by === 'patient' ? 'user' : 'agent',
    created_by_id,
    created_by_type,
    duration_in_min: Math.round((rdv.end - rdv.start) / 60_000),
    ends_at: rdv.broken ? 'n/a' : stampOf(rdv.end),
    lieu: null,
    max_participants_count: null,
    motif: { id: 1, name: rdv.motif, collectif: false, deleted_at: null, organisation_id: rdv.organisationId },
    name: null,
    organisation: organisation ? organisationView(organisation) : null,
    participations: [{ id: rdv.id, status: rdv.status, user: patient }],
    starts_at: rdv.broken ? 'n/a' : stampOf(rdv.start),
    status: rdv.status,
    users: [patient],
    users_count: 1,
    uuid: rdv.uuid,
  };
}

/** Never with the secret. */
export function endpointView({ id, organisationId, subscriptions, targetUrl }: Endpoint): object {
  return { id, organisation_id: organisationId, subscriptions, target_url: targetUrl };
}

function uid({ id }: Absence): string {
  return `absence_${id}@${SUFFIX}`;
}

function calendar(absence: Absence): string {
  const stamp = (day: string, time: string): string => `${day}T${time}`.replace(/[-:]/g, '');
  const rule = absence.rrule === null ? [] : [`RRULE:${absence.rrule}`];
  return [
    ...['BEGIN:VCALENDAR', 'VERSION:2.0', `PRODID:${SUFFIX}`, 'CALSCALE:GREGORIAN', 'METHOD:PUBLISH'],
    ...['BEGIN:VTIMEZONE', 'TZID:Europe/Paris'],
    ...['BEGIN:DAYLIGHT', 'DTSTART:20200329T030000', 'TZOFFSETFROM:+0100', 'TZOFFSETTO:+0200'],
    ...['RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3', 'TZNAME:CEST', 'END:DAYLIGHT'],
    ...['BEGIN:STANDARD', 'DTSTART:20201025T020000', 'TZOFFSETFROM:+0200', 'TZOFFSETTO:+0100'],
    ...['RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10', 'TZNAME:CET', 'END:STANDARD', 'END:VTIMEZONE'],
    ...['BEGIN:VEVENT', 'DTSTAMP:20240101T000000Z', `UID:${uid(absence)}`],
    `DTSTART;TZID=Europe/Paris:${stamp(absence.firstDay, absence.startTime)}`,
    `DTEND;TZID=Europe/Paris:${stamp(absence.endDay, absence.endTime)}`,
    ...rule,
    `SUMMARY:${SUFFIX} ${absence.title.replace(/([\\,;])/g, '\\$1')}`,
    ...['END:VEVENT', 'END:VCALENDAR', ''],
  ].join('\r\n');
}
