import { defineConnector } from '#connector-sdk';
import { secrets, settings } from './config.js';
import { consent } from './consent.js';
import { GoogleSession } from './session.js';

export default defineConnector({
  specification: 'v1',
  id: 'google',
  label: { fr: 'Google Agenda', en: 'Google Calendar' },
  capabilities: {
    read: 'cursor',
    maxWindowDays: null,
    push: 'hint',
    pushProof: 'token',
    write: 'full',
    hold: 'none',
    idempotency: 'client-id',
    refusesOverlap: false,
    deleteMode: 'status',
    timeModel: 'zoned',
    idStability: 'stable',
    availability: 'hub',
    audience: 'none',
    rateLimit: 600,
    freshnessTarget: 60,
    settleMs: 60_000,
  },
  config: { settings, secrets },
  consent,
  open: (account, context) => new GoogleSession(account.settings, account.secrets, context),
});
