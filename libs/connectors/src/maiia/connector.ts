import { defineConnector } from '#connector-sdk';
import { secrets, settings } from './config.js';
import { MaiiaSession } from './session.js';

export default defineConnector({
  specification: 'v1',
  id: 'maiia',
  label: { fr: 'Maiia', en: 'Maiia' },
  capabilities: {
    read: 'cursor',
    maxWindowDays: null,
    push: 'none',
    write: 'full',
    hold: 'none',
    idempotency: 'key',
    refusesOverlap: true,
    deleteMode: 'status',
    timeModel: 'instant',
    idStability: 'stable',
    availability: 'remote',
    audience: 'by-motif',
    rateLimit: 600,
    freshnessTarget: 120,
    settleMs: 120_000,
  },
  config: { settings, secrets },
  open: (account, context) => new MaiiaSession(account.settings, account.secrets, context),
});
