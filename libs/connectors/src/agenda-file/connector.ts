import { defineConnector } from '#connector-sdk';
import { secrets, settings } from './config.js';
import { FileSession } from './session.js';

export default defineConnector({
  specification: 'v1',
  id: 'agenda-file',
  label: { fr: 'Logiciel de bureau, par fichiers échangés', en: 'Desktop program, by exchanged files' },
  capabilities: {
    read: 'snapshot',
    maxWindowDays: null,
    push: 'none',
    write: 'full',
    hold: 'none',
    idempotency: 'client-id',
    refusesOverlap: true,
    deleteMode: 'absence',
    timeModel: 'naive',
    idStability: 'regenerated',
    availability: 'hub',
    audience: 'none',
    rateLimit: null,
    freshnessTarget: 300,
    settleMs: 900_000,
  },
  config: { settings, secrets },
  open: (account, context) => new FileSession(account.settings, account.secrets, context),
});
