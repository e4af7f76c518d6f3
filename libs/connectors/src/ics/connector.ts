import { defineConnector } from '#connector-sdk';
import { secrets, settings } from './config.js';
import { FeedSession } from './session.js';

export default defineConnector({
  specification: 'v1',
  id: 'ics',
  label: { fr: 'Calendrier publié (ICS), en lecture seule', en: 'Published calendar (ICS), read only' },
  capabilities: {
    read: 'snapshot',
    maxWindowDays: null,
    push: 'none',
    write: 'none',
    hold: 'none',
    idempotency: 'none',
    refusesOverlap: false,
    deleteMode: 'absence',
    timeModel: 'zoned',
    idStability: 'stable',
    availability: 'hub',
    audience: 'none',
    rateLimit: null,
    freshnessTarget: 300,
    settleMs: 0,
  },
  config: { settings, secrets },
  open: (account, context) => new FeedSession(account.settings, account.secrets, context),
});
