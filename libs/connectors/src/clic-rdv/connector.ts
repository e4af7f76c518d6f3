import { defineConnector } from '#connector-sdk';
import { secrets, settings } from './config.js';
import { ClicSession } from './session.js';

export default defineConnector({
  specification: 'v1',
  id: 'clic-rdv',
  label: { fr: 'ClicRDV', en: 'ClicRDV' },
  capabilities: {
    read: 'cursor',
    maxWindowDays: null,
    push: 'none',
    write: 'full',
    hold: 'none',
    idempotency: 'none',
    conditionalWrites: false,
    refusesOverlap: false,
    deleteMode: 'status',
    timeModel: 'naive',
    idStability: 'stable',
    availability: 'hub',
    audience: 'none',
    rateLimit: null,
    freshnessTarget: 120,
    settleMs: 60_000,
  },
  config: { settings, secrets },
  open: (account, context) => new ClicSession(account.settings, account.secrets, context),
});
