import { defineConnector, type Capabilities } from '#connector-sdk';
import { secrets, settings } from './config.js';
import { InHouseSession } from './session.js';

const CAPABILITIES: Capabilities = {
  read: 'cursor',
  maxWindowDays: null,
  push: 'hint',
  write: 'full',
  hold: 'none',
  idempotency: 'key',
  refusesOverlap: true,
  deleteMode: 'tombstone',
  timeModel: 'instant',
  idStability: 'stable',
  availability: 'remote',
  audience: 'none',
  rateLimit: null,
  freshnessTarget: 30,
  settleMs: 60_000,
};

export default defineConnector({
  specification: 'v1',
  id: 'in-house',
  label: { fr: 'Agenda maison', en: 'In-house agenda' },
  capabilities: CAPABILITIES,
  capabilitiesOf: ({ leases }) => (leases === true ? { ...CAPABILITIES, hold: 'ttl' } : CAPABILITIES),
  config: { settings, secrets },
  open: (account, context) => new InHouseSession(account.settings, account.secrets, context),
});
