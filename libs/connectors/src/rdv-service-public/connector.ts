import { defineConnector } from '#connector-sdk';
import { secrets, settings } from './config.js';
import { RdvServicePublicSession } from './session.js';

export default defineConnector({
  specification: 'v1',
  id: 'rdv-service-public',
  label: { fr: 'RDV Service Public', en: 'RDV Service Public' },
  capabilities: {
    read: 'page',
    maxWindowDays: null,
    push: 'full',
    write: 'busy-only',
    hold: 'none',
    idempotency: 'none',
    conditionalWrites: false,
    refusesOverlap: false,
    deleteMode: 'absence',
    timeModel: 'naive',
    idStability: 'stable',
    availability: 'hub',
    audience: 'none',
    rateLimit: null,
    freshnessTarget: 120,
    settleMs: 120_000,
  },
  config: { settings, secrets },
  open: (account, context) => new RdvServicePublicSession(account.settings, account.secrets, context),
});
