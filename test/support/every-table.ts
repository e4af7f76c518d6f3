import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { at, type Practice } from './practice.js';

/** At least one row in every table that a booking does not fill by itself, and the id that all of them have which are not tied to another's. */
export async function fill(
  client: pg.PoolClient,
  { organization, agenda, link, motif, collaborator }: Practice,
): Promise<{ readonly id: string; readonly held: string; readonly connection: string }> {
  const id = randomUUID();
  const held = randomUUID();
  const values: [string, string, unknown[]][] = [
    [
      'api_key',
      'organization_id, id, label, secret_hash, scopes',
      [organization, id, 'Clé', Buffer.alloc(32), ['agendas']],
    ],
    [
      'failed_attempt',
      'organization_id, id, credential, address',
      [organization, id, Buffer.alloc(32), Buffer.alloc(32)],
    ],
    ['identity_provider', 'organization_id, id, label, issuer, client_id', [organization, id, 'A', 'https://id', 'u']],
    [
      'identity',
      'organization_id, id, provider_id, collaborator_id, subject, scopes',
      [organization, id, id, collaborator, 'claire', []],
    ],
    ['seen_credential', 'organization_id, credential, address', [organization, Buffer.alloc(32), Buffer.alloc(32)]],
    [
      'closure',
      'organization_id, id, agenda_id, during, label',
      [organization, id, agenda, `[${at('08:00')},${at('09:00')})`, 'Congés'],
    ],
    [
      'reserve',
      'organization_id, id, agenda_id, label, rrule, starts_local, duration_minutes, time_zone, kept_for, release',
      [organization, id, agenda, 'Urgences', 'FREQ=DAILY', '2026-01-05T11:00', 60, 'Europe/Paris', {}, '[]'],
    ],
    [
      'reserve_occurrence',
      'organization_id, reserve_id, during, agenda_id',
      [organization, id, `[${at('11:00')},${at('12:00')})`, agenda],
    ],
    [
      'substitution',
      'organization_id, id, agenda_id, during, display_name',
      [organization, id, agenda, `[${at('08:00')},${at('18:00')})`, 'Dr Rempla'],
    ],
    [
      'series',
      'organization_id, id, agenda_id, motif_id, mode, state, actor',
      [organization, id, agenda, motif, 'report', 'settling', {}],
    ],
    [
      'bulk_cancellation',
      'organization_id, id, agenda_ids, during, reason, actor',
      [organization, id, [agenda], `[${at('08:00')},${at('18:00')})`, {}, {}],
    ],
    ['organization_key', 'organization_id, version, wrapped, wrapped_by', [organization, 1, Buffer.alloc(1), 'k1']],
    [
      'erasure',
      'organization_id, id, appointment_ids, entry_ids, quarantined, copies, actor',
      [organization, id, [], [], 0, 0, {}],
    ],
    ['patient_key', 'organization_id, id, wrapped', [organization, id, Buffer.alloc(1)]],
    ['key_rotation', 'organization_id, id, to_version, total', [organization, id, 1, 0]],
    ['mirror', 'organization_id, id, link_id, remote_id, content_hash', [organization, id, link, '1', 'hash']],
    [
      'busy_change',
      'organization_id, id, agenda_id, link_id, mirror_id, during, following, content_hash, actor',
      [organization, id, agenda, link, id, `[${at('08:00')},${at('09:00')})`, false, 'hash', {}],
    ],
    [
      'quarantine',
      'organization_id, link_id, remote_id, reason, raw_sealed',
      [organization, link, '2', 'unreadable', Buffer.alloc(1)],
    ],
    ['push_hint', 'organization_id, link_id, hint_id', [organization, link, '3']],
    ['held_deletion', 'organization_id, link_id, remote_id', [organization, link, '4']],
    ['push_secret', 'organization_id, link_id, id, hash', [organization, link, id, 'hash']],
    ['agenda_lane', 'organization_id, agenda_id', [organization, agenda]],
    [
      'feed',
      'organization_id, id, agenda_id, label, disclosure, token_hash',
      [organization, id, agenda, 'Téléphone', 'busy', Buffer.alloc(32)],
    ],
    ['link_plan', 'organization_id, link_id, version, digest, plan', [organization, link, 1, '', {}]],
    ['link_watch', 'organization_id, link_id', [organization, link]],
    [
      'waiting_entry',
      'organization_id, id, sealed, motif_ids, availability, priority, audience, created_by',
      [organization, id, Buffer.alloc(1), [motif], {}, 'soon', 'SECRETARIAT', collaborator],
    ],
    ['waiting_wish', 'organization_id, entry_id, agenda_id', [organization, id, agenda]],
    [
      'waiting_offer',
      'organization_id, id, entry_id, agenda_id, motif_id, starts_at, ends_at',
      [organization, id, id, agenda, motif, at('08:00'), at('09:00')],
    ],
    ['vacancy', 'organization_id, agenda_id', [organization, agenda]],
    [
      'audit_entry',
      'organization_id, seq, transaction_id, source_id, at, action, objects, patients, actor_kind, hash',
      [organization, 1, 1, 1, at('08:00'), 'test', [], [], 'system', Buffer.alloc(32)],
    ],
    ['audit_subject', 'organization_id, subject_id, seq', [organization, agenda, 1]],
    [
      'audit_seal',
      'organization_id, kind, seq, transaction_id, source_id, hash, key_id, signature',
      [organization, 'hourly', 1, 1, 1, Buffer.alloc(32), 't1', Buffer.alloc(64)],
    ],
    [
      'disconnection',
      'organization_id, link_id, agenda_id, connection_id, remote_agenda_id, remote, state',
      [organization, id, agenda, id, '1', 'remove', 'removing'],
    ],
    [
      'disconnection_object',
      'organization_id, link_id, reference, appointment_id, during, state',
      [organization, id, `${id}-1`, id, `[${at('08:00')},${at('09:00')})`, 'due'],
    ],
    ['team', 'organization_id, id, name', [organization, id, 'Accueil']],
    ['team_member', 'organization_id, team_id, collaborator_id', [organization, id, collaborator]],
    [
      'mandate',
      'organization_id, id, secretariat_id, label, staffing, team_id, starts_at',
      [organization, id, randomUUID(), 'Télésecrétariat', 'shared', id, at('08:00')],
    ],
    [
      'access_grant',
      'organization_id, id, team_id, actions, state',
      [organization, id, id, ['see-busy', 'create'], 'active'],
    ],
    [
      'grant_use',
      'organization_id, grant_id, action, local_day, key',
      [organization, id, 'create', '2031-01-06', 'key'],
    ],
    ['grant_notice', 'organization_id, id, grant_id, agenda_id, change', [organization, id, id, agenda, 'issued']],
    [
      'export_request',
      'organization_id, id, kind, wanted, asked_by, expires_at',
      [organization, id, 'audit', { format: 'csv' }, collaborator, at('08:00')],
    ],
  ];
  for (const [table, columns, row] of values) {
    await client.query(
      `INSERT INTO ${table} (${columns}) VALUES (${row.map((_, index) => `$${index + 1}`).join(', ')})`,
      row,
    );
  }
  for (const rows of [
    `consent (organization_id, connection_id, state_hash, verifier_sealed, actor, expires_at) SELECT organization_id, id, $1, $1, '{}', now() FROM connection`,
    `access_token (organization_id, id, api_key_id, secret_hash, scopes, expires_at) SELECT organization_id, id, id, $1, '{}', now() FROM api_key`,
    `sign_in (organization_id, id, provider_id, state_hash, browser_hash, return_to, expires_at) SELECT organization_id, id, id, $1, $1, '/', now() FROM identity_provider`,
    `session (organization_id, id, identity_id, secret_hash, id_token_sealed, expires_at) SELECT organization_id, id, id, $1, $1, now() FROM identity`,
  ])
    await client.query(`INSERT INTO ${rows}`, [Buffer.alloc(32)]);
  // The functions below are called as for an agenda without rules of its own.
  await client.query('UPDATE agenda SET ruled = false WHERE id = $1', [agenda]);
  const hold = [organization, held, agenda, motif, `[${at('07:00')},${at('07:30')})`, collaborator];
  await client.query(
    `INSERT INTO appointment (organization_id, id, agenda_id, motif_id, status, during, occupies, hold_until, created_by) VALUES ($1, $2, $3, $4, 'held', $5, $5, now(), $6)`,
    hold,
  );
  await client.query('INSERT INTO overbooking_notice (organization_id, appointment_id, during) VALUES ($1, $2, $3)', [
    organization,
    held,
    hold[4],
  ]);
  await client.query(
    'INSERT INTO bulk_item (organization_id, bulk_id, appointment_id, version) VALUES ($1, $2, $3, 1)',
    [organization, id, held],
  );
  await client.query(
    `INSERT INTO text_due (organization_id, appointment_id, link_id, former) VALUES ($1, $2, $3, '{}')`,
    [organization, held, link],
  );
  for (const [table, columns, given] of [
    ['conflict', 'reason, ours', `'both-moved', '{}'`],
    ['callback_task', 'reason, created_by', `'moved', '{}'`],
  ] as const) {
    await client.query(
      `INSERT INTO ${table} (organization_id, id, appointment_id, agenda_id, ${columns}) VALUES ($1, $2, $3, $4, ${given})`,
      [organization, id, held, agenda],
    );
  }
  await client.query(
    `INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, appointment_id) SELECT organization_id, agenda_id, 1, occupies, 'hub', id, id FROM appointment WHERE status = 'held'`,
  );
  const { rows } = await client.query<{ id: string }>('SELECT id FROM connection LIMIT 1');
  return { id, held, connection: rows[0]!.id };
}
