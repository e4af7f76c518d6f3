import { AuditKeeping, AuditVerification } from '#application';
import { type Database, PgAuditLog } from '#persistence';
import { type Environment, KeyRingSealKeys, type Logger } from '#platform';
import type { Work } from './handlers.js';

export type AuditWork = Pick<Work, 'sealAudit' | 'keepAudit'>;

/** The jobs that look after the audit log. A signed head is logged too: logs are kept elsewhere than the database. */
export function auditWork(database: Database, environment: Environment, logger: Logger): AuditWork {
  const keeping = auditKeeping(database, environment);
  return {
    sealAudit: async ({ organizationId }) => {
      await keeping.seal(organizationId);
    },
    keepAudit: async ({ organizationId }) => {
      const seal = await keeping.sign(organizationId);
      if (seal !== null) logger.info({ organizationId, seal }, 'the head of an audit log, signed');
      if ((await keeping.prune(organizationId)) === null)
        logger.error({ organizationId }, 'an audit log does not verify: nothing of it is forgotten');
    },
  };
}

export function auditKeeping(database: Database, environment: Environment): AuditKeeping {
  const [log, keys] = [new PgAuditLog(database), new KeyRingSealKeys(environment.UNISSON_KEYS)];
  return new AuditKeeping(log, keys, new AuditVerification(log, keys));
}
