import { defineConnector } from '#connector-sdk';
import { secrets, settings } from './config.js';
import { LibreSession } from './session.js';

export default defineConnector({
  specification: 'v1',
  id: 'libre-rdv',
  label: { fr: 'LibreRDV (style)', en: 'LibreRDV (style)' },
  capabilities: {
    read: 'cursor',
    maxWindowDays: null,
    push: 'none',
    write: 'request',
    hold: 'none',
    idempotency: 'none',
    conditionalWrites: false,
    refusesOverlap: true,
    deleteMode: 'tombstone',
    timeModel: 'naive',
    idStability: 'stable',
    availability: 'hub',
    audience: 'none',
    rateLimit: null,
    freshnessTarget: 120,
    writeMs: 25_000,
    settleMs: 120_000,
  },
  config: { settings, secrets },
  open: (account, context) => new LibreSession(account.settings, account.secrets, context),
});
