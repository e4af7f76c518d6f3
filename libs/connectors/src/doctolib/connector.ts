import { defineConnector } from '#connector-sdk';
import { secrets, settings } from './config.js';
import { DoctolibSession } from './session.js';

export default defineConnector({
  specification: 'v1',
  id: 'doctolib',
  label: { fr: 'Agenda en ligne (style Doctolib)', en: 'Online agenda (Doctolib style)' },
  capabilities: {
    read: 'window',
    maxWindowDays: 15,
    push: 'hint',
    write: 'full',
    hold: 'ttl',
    idempotency: 'natural',
    refusesOverlap: true,
    deleteMode: 'status',
    timeModel: 'instant',
    idStability: 'stable',
    availability: 'remote',
    audience: 'by-motif',
    rateLimit: null,
    // A walk through a year is two dozen requests; webhooks tell what is urgent.
    freshnessTarget: 300,
    // A hold lives for five minutes, and nothing is confirmed without one.
    settleMs: 300_000,
  },
  config: { settings, secrets },
  open: (account, context) => new DoctolibSession(account.settings, account.secrets, context),
});
