import { defineConnector } from '#connector-sdk';
import { CAUTIOUS, capabilitiesOf } from './capabilities.js';
import { secrets, settings } from './config.js';
import { DeclarativeSession } from './session.js';

export default defineConnector({
  specification: 'v1',
  id: 'declarative',
  label: { fr: 'Agenda REST décrit par un document', en: 'REST agenda described by a document' },
  capabilities: CAUTIOUS,
  capabilitiesOf: ({ document }) => capabilitiesOf(document),
  config: { settings, secrets },
  open: (account, context) => new DeclarativeSession(account.settings, account.secrets, context),
});
