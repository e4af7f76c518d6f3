import { defineConnector } from '#connector-sdk';
import { secrets, settings } from './config.js';
import { CaldavSession } from './session.js';

export default defineConnector({
  specification: 'v1',
  id: 'caldav',
  label: { fr: 'Calendrier CalDAV', en: 'CalDAV calendar' },
  capabilities: {
    read: 'cursor',
    maxWindowDays: null,
    push: 'none',
    write: 'full',
    hold: 'none',
    idempotency: 'client-id',
    refusesOverlap: false,
    deleteMode: 'tombstone',
    timeModel: 'zoned',
    idStability: 'stable',
    availability: 'hub',
    audience: 'none',
    rateLimit: null,
    freshnessTarget: 60,
    settleMs: 60_000,
  },
  config: { settings, secrets },
  open: (account, context) => new CaldavSession(account.settings, account.secrets, context),
});
