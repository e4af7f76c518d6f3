import google from '../../libs/connectors/src/google/connector.js';
import type { Backdoor, Target } from '#connector-testkit';
import { simulatorTarget, type Control } from './simulator-target.js';

const USER = 'kit@example.com';
const CLIENT = { id: 'kit-google-client', secret: 'kit-google-client-secret' };
const REFRESH_TOKEN = '1//kit-google-refresh-token';
const AUTH = { type: 'oauth', clientId: CLIENT.id, clientSecret: CLIENT.secret, refreshToken: REFRESH_TOKEN };

/** The Google connector before the simulator. */
export function googleTarget(): Target {
  return simulatorTarget({
    connector: google,
    vendor: 'google',
    // Tokens go past the relay: what is counted there are calls of the calendar's.
    settings: ({ relayed, direct }) => ({ rootUrl: relayed, tokenUrl: `${direct}/token` }),
    secrets: () => ({ auth: AUTH }),
    wrongSecrets: () => ({ auth: { ...AUTH, refreshToken: '1//another-refresh-token' } }),
    agendaId: USER,
    unknownAgendaId: 'nobody@example.com',
    seed: {
      clients: [CLIENT],
      grants: [{ refreshToken: REFRESH_TOKEN, user: USER, clientId: CLIENT.id }],
      calendars: [{ id: USER, summary: 'Dr Kit', acl: { [USER]: 'owner' } }],
    },
    hazards: ['push-reorder'],
    brokenPart: 1,
    expireCursors: (control) => control('POST', 'expire-cursors'),
    // Pages hold up to 2,500; those made small by the fault hold 125.
    manyEntries: 300,
    backdoor,
  });
}

/** The practitioner's own hand, by the simulator's control. */
function backdoor(control: Control): Backdoor {
  const edit = async (body: object): Promise<unknown> =>
    (await control('POST', 'edit', { calendarId: USER, ...body }))['event'];
  const at = (instant: number): object => ({ dateTime: new Date(instant).toISOString() });
  return {
    async put({ start, end, title }) {
      const event = { start: at(start), end: at(end), summary: title };
      const { id } = (await edit({ action: 'create', event })) as { id: string };
      return { remoteId: id };
    },
    async move(id, { start, end }) {
      await edit({ action: 'move', id, start, end });
    },
    async remove(id) {
      await edit({ action: 'delete', id });
    },
    async list() {
      const { events } = (await control('GET', 'dump')) as {
        events: { id: string; startMs: number; endMs: number; summary: string }[];
      };
      return events.map(({ id, startMs: start, endMs: end, summary: title }) => ({ remoteId: id, start, end, title }));
    },
  };
}
