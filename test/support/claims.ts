import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import {
  at,
  createPractice,
  during,
  inTenant,
  openPool,
  place,
  refusalOf,
  type Practice,
  type Refusal,
} from './practice.js';

/** The state every wrong write starts from; refused or not, nothing of a write remains. */
export interface State extends Practice {
  readonly otherAgenda: string;
  /** Live, 10:00 to 10:30 on seat 1. */
  readonly live: string;
  /** Cancelled, 11:00 to 11:30, no claim. */
  readonly dead: string;
  /** Mirror of the practitioner's own event, 12:00 to 13:00 on both seats. */
  readonly mirror: string;
  /** Closure, 14:00 to 15:00 on both seats. */
  readonly closure: string;
  /** Moving from 16:00 to 17:00, on seat 1. */
  readonly moving: string;
  readonly stranger: Practice & { readonly live: string };
}

export type Write = (client: pg.PoolClient, state: State) => Promise<unknown>;
export interface Case {
  readonly name: string;
  readonly write: Write;
}
export interface Refused extends Case {
  readonly code: string;
  readonly constraint: string;
}

/** Cases that one constraint refuses. */
export const refusedBy = (code: string, constraint: string, cases: readonly Case[]): Refused[] =>
  cases.map((it) => ({ ...it, code, constraint }));

/** Cases that constraints of one kind refuse. */
export const refusedWith = (code: string, cases: readonly (Case & { readonly constraint: string })[]): Refused[] =>
  cases.map((it) => ({ ...it, code }));

export interface ClaimValues {
  readonly agenda?: string;
  readonly seat?: number;
  readonly during?: string | null;
  readonly appointment?: string;
  readonly departing?: string;
  readonly closure?: string;
  readonly mirror?: string;
  readonly holder?: string;
  readonly authority?: string;
  readonly organization?: string;
  readonly overbooked?: boolean;
  readonly contested?: boolean;
}

export const claim = (client: pg.PoolClient, state: State, values: ClaimValues): Promise<unknown> => {
  const row = {
    organization: state.organization,
    agenda: state.agenda,
    seat: 1,
    during: null,
    overbooked: false,
    contested: false,
    ...values,
  };
  const { appointment: ours, departing, closure, mirror } = values;
  const { holder = ours ?? departing ?? closure ?? mirror, authority = mirror === undefined ? 'hub' : 'remote' } =
    values;
  return client.query(
    `INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, appointment_id, departing_id, closure_id, mirror_id, overbooked, contested)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      row.organization,
      row.agenda,
      row.seat,
      row.during,
      authority,
      holder,
      ours,
      departing,
      closure,
      mirror,
      row.overbooked,
      row.contested,
    ],
  );
};

export interface AppointmentValues {
  readonly status?: string;
  readonly during: string;
  readonly occupies?: string;
  readonly holdUntil?: string | null;
  readonly agenda?: string;
  readonly motif?: string;
  readonly ending?: string;
}

export const appointment = async (client: pg.PoolClient, state: State, values: AppointmentValues): Promise<string> => {
  const id = randomUUID();
  const {
    status = 'confirmed',
    during: visit,
    occupies = visit,
    holdUntil = null,
    agenda = state.agenda,
    motif = state.motif,
    ending = null,
  } = values;
  await client.query(
    `INSERT INTO appointment (organization_id, id, agenda_id, motif_id, status, during, occupies, hold_until, created_by, ending) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [state.organization, id, agenda, motif, status, visit, occupies, holdUntil, state.collaborator, ending],
  );
  return id;
};

/** A live appointment with its claim. */
export const booked = async (client: pg.PoolClient, state: State, range: string, seat = 1): Promise<string> => {
  const id = await appointment(client, state, { during: range });
  await claim(client, state, { seat, during: range, appointment: id });
  return id;
};

export const mirrored = async (client: pg.PoolClient, state: Practice): Promise<string> => {
  const id = randomUUID();
  await client.query(
    `INSERT INTO mirror (organization_id, id, link_id, remote_id, content_hash) VALUES ($1, $2, $3, $4, 'hash')`,
    [state.organization, id, state.link, id],
  );
  return id;
};

export const closed = async (
  client: pg.PoolClient,
  state: Practice,
  range: string | null,
  seats = 0,
): Promise<string> => {
  const id = randomUUID();
  await client.query(
    `INSERT INTO closure (organization_id, id, agenda_id, during, label) VALUES ($1, $2, $3, $4, 'Congés')`,
    [state.organization, id, state.agenda, range],
  );
  for (let seat = 1; seat <= seats; seat += 1) {
    await client.query(
      `INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, closure_id) VALUES ($1, $2, $3, $4, 'hub', $5, $5)`,
      [...[state.organization, state.agenda, seat, range, id]],
    );
  }
  return id;
};

export const update = (client: pg.PoolClient, set: string, id: string): Promise<unknown> =>
  client.query(`UPDATE appointment SET ${set} WHERE id = $1`, [id]);
export const onClaim = (client: pg.PoolClient, verb: string, holder: string): Promise<unknown> =>
  client.query(`${verb} WHERE holder = $1`, [holder]);
export const decide = (client: pg.PoolClient, decision: string): Promise<unknown> =>
  client.query(`SELECT set_config('app.decision', $1, true)`, [decision]);
export const capacity = (client: pg.PoolClient, state: State, seats: number): Promise<unknown> =>
  client.query(`UPDATE agenda SET capacity = $1 WHERE id = $2`, [seats, state.agenda]);

export const claimOf =
  (values: (state: State) => ClaimValues): Write =>
  (client, state) =>
    claim(client, state, values(state));
export const claimed = during('10:00', '10:30');

async function populate(client: pg.PoolClient, practice: Practice & Pick<State, 'stranger'>): Promise<State> {
  const ids = { otherAgenda: randomUUID(), live: '', dead: '', mirror: '', closure: '', moving: '' };
  const base: State = { ...practice, ...ids };
  await client.query(
    `INSERT INTO agenda (organization_id, id, practitioner_id, location_id, name) SELECT organization_id, $1, practitioner_id, location_id, 'Annexe' FROM agenda`,
    [ids.otherAgenda],
  );
  const live = await booked(client, base, during('10:00', '10:30'));
  const dead = await appointment(client, base, { status: 'cancelled', during: during('11:00', '11:30') });
  const mirror = await mirrored(client, base);
  for (const seat of [1, 2]) await claim(client, base, { seat, during: during('12:00', '13:00'), mirror });
  const closure = await closed(client, base, during('14:00', '15:00'), 2);
  const moving = await booked(client, base, during('17:00', '17:30'));
  await client.query(
    `INSERT INTO remote_write (organization_id, appointment_id, agenda_id, link_id, departing, departing_visit) VALUES ($1, $2, $3, $4, $5, $5)`,
    [...[base.organization, moving, base.agenda, base.link, during('16:00', '16:30')]],
  );
  await claim(client, base, { during: during('16:00', '16:30'), departing: moving });
  return { ...base, live, dead, mirror, closure, moving };
}

/** A database of agendas in all the states that a write can break. */
export interface Agendas {
  readonly pool: pg.Pool;
  readonly state: State;
  /** The refusal of a write, or null; nothing of it remains. */
  attempt(write: Write): Promise<Refusal | null>;
}

export async function createAgendas(appUrl: string): Promise<Agendas> {
  const pool = openPool(appUrl);
  const practice = await createPractice(pool, { capacity: 2, master: 'remote' });
  const stranger = await createPractice(pool, { master: 'remote' });
  const live = (await place(pool, stranger, { start: at('10:00') })).resource!;
  const state = await inTenant(pool, practice.organization, (client) =>
    populate(client, { ...practice, stranger: { ...stranger, live } }),
  );
  return { pool, state, attempt: (write) => refusalOf(pool, state.organization, (client) => write(client, state)) };
}
