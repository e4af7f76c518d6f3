import { defineConnector } from '#connector-sdk';
import { secrets, settings } from './config.js';
import { MAX_DAYS } from './pull.js';
import { MonDocteurSession } from './session.js';

export default defineConnector({
  specification: 'v1',
  id: 'mon-docteur',
  label: { fr: 'MonDocteur', en: 'MonDocteur' },
  capabilities: {
    read: 'snapshot',
    maxWindowDays: MAX_DAYS,
    push: 'hint',
    pushProof: 'token',
    write: 'full',
    hold: 'none',
    idempotency: 'none',
    conditionalWrites: false,
    refusesOverlap: true,
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
  open: (account, context) => new MonDocteurSession(account.settings, account.secrets, context),
});
