import { defineConnector } from '#connector-sdk';
import { secrets, settings } from './config.js';
import { __Name__Session } from './session.js';

export default defineConnector({
  specification: 'v1',
  id: '__name__',
  label: { fr: '__Name__', en: '__Name__' },
  capabilities: {
    read: 'snapshot',
    maxWindowDays: null,
    push: 'none',
    write: 'none',
    hold: 'none',
    idempotency: 'none',
    refusesOverlap: false,
    deleteMode: 'absence',
    timeModel: 'instant',
    idStability: 'stable',
    availability: 'hub',
    audience: 'none',
    rateLimit: null,
    freshnessTarget: 300,
    settleMs: 60_000,
  },
  config: { settings, secrets },
  open: (account, context) => new __Name__Session(account.settings, account.secrets, context),
});
