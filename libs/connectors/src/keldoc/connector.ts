import { defineConnector } from '#connector-sdk';
import { secrets, settings } from './config.js';
import { KeldocSession } from './session.js';

export default defineConnector({
  specification: 'v1',
  id: 'keldoc',
  label: { fr: 'Keldoc', en: 'Keldoc' },
  capabilities: {
    read: 'window',
    maxWindowDays: 59,
    push: 'hint',
    pushProof: 'token',
    write: 'full',
    hold: 'none',
    idempotency: 'none',
    conditionalWrites: false,
    refusesOverlap: true,
    deleteMode: 'absence',
    timeModel: 'instant',
    idStability: 'stable',
    availability: 'remote',
    audience: 'by-motif',
    rateLimit: null,
    freshnessTarget: 300,
    settleMs: 120_000,
  },
  config: { settings, secrets },
  open: (account, context) => new KeldocSession(account.settings, account.secrets, context),
});
