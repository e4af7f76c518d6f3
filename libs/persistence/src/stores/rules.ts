import {
  faultsOfChange,
  obstacle,
  RuleStore,
  StoreRefused,
  type AgendaRef,
  type AgendaRules,
  type ChangeResult,
  type Consulting,
  type EquipmentFacts,
  type RuleChange,
  type AgendaStanding,
} from '#application';
import type { Interval } from '#domain';
import type { Database, Transaction } from '../database.js';
import { putExpansion, readRules } from './rule-expansion.js';
import { writeRule } from './rule-rows.js';
import { CONSULTING, NAMED, SERVES_OTHERS, STANDING } from './rule-statements.js';

/** The rules of agendas in PostgreSQL. */
export class PgRules extends RuleStore {
  constructor(private readonly database: Database) {
    super();
  }

  read(agenda: AgendaRef): Promise<AgendaRules | null> {
    return this.database.withOrganization(agenda.organizationId, (transaction) =>
      readRules(transaction, agenda, false),
    );
  }

  async change(agenda: AgendaRef, change: RuleChange, by: Parameters<RuleStore['change']>[2]): Promise<ChangeResult> {
    try {
      return await this.database.withOrganization(agenda.organizationId, (transaction) =>
        changeIn(transaction, agenda, { change, by }),
      );
    } catch (error) {
      // Seats that are taken cannot be taken away: their claims refer to them.
      const inUse = change.kind === 'agenda' && error instanceof StoreRefused && error.code === '23503';
      if (inUse) return { outcome: 'capacity-in-use' };
      throw error;
    }
  }

  async standing(agenda: AgendaRef, equipmentIds: readonly string[], range: Interval): Promise<AgendaStanding> {
    const { organizationId, agendaId } = agenda;
    const values = [organizationId, agendaId, equipmentIds, range.start, range.end];
    const [row] = await this.database.one<{ standing: AgendaStanding }>(organizationId, STANDING, values);
    return row?.standing ?? { taken: [], visits: [], equipment: [], servesOthers: false };
  }

  async consulting(
    organizationId: string,
    agendaIds: readonly string[],
    range: Interval,
  ): Promise<readonly Consulting[]> {
    const values = [organizationId, agendaIds, range.start, range.end];
    return this.database.call<Consulting & Record<string, unknown>>(CONSULTING, values);
  }
}

async function changeIn(
  transaction: Transaction,
  agenda: AgendaRef,
  { change, by }: { change: RuleChange; by: Parameters<RuleStore['change']>[2] },
): Promise<ChangeResult> {
  const before = await readRules(transaction, agenda, true);
  if (before === null) return { outcome: 'unknown' };
  const outcome = obstacle(before, change, by.version);
  if (outcome !== null) return { outcome };
  const faults = faultsOfChange(before, change, await equipmentOf(transaction, agenda, change));
  if (faults.length > 0) return { outcome: 'faults', faults };
  await writeRule(transaction, agenda, change);
  const rules = await readRules(transaction, agenda, false);
  if (rules === null) return { outcome: 'unknown' };
  if (change.kind !== 'substitution') await putExpansion(transaction, agenda, rules);
  const subject = change.kind === 'agenda' ? agenda.agendaId : change.id;
  const data = { kind: change.kind, removed: change.kind !== 'agenda' && change.rule === null };
  await transaction.query(`SELECT append_event('agenda-rules-changed', $1, $2, $3, $4)`, [
    ...[agenda.agendaId, subject],
    ...[by.actor, data].map((value) => JSON.stringify(value)),
  ]);
  return { outcome: 'changed', rules, created: isNew(before, change) };
}

function isNew({ kept }: AgendaRules, change: RuleChange): boolean {
  return change.kind !== 'agenda' && change.rule !== null && !kept[change.kind].some(({ id }) => id === change.id);
}

/** Equipment is locked, in order of id as bookings lock it, so that none of it begins to need equipment meanwhile. */
async function equipmentOf(
  transaction: Transaction,
  { organizationId, agendaId }: AgendaRef,
  change: RuleChange,
): Promise<{ named: EquipmentFacts[]; servesOthers: boolean }> {
  const ids = change.kind === 'motif' ? (change.rule?.equipment ?? []) : [];
  if (ids.length === 0) return { named: [], servesOthers: false };
  await transaction.query('SELECT 1 FROM agenda WHERE organization_id = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE', [
    organizationId,
    ids,
  ]);
  const [row] = await transaction.query<{ named: EquipmentFacts[]; servesOthers: boolean }>(
    `SELECT ${NAMED} AS named, ${SERVES_OTHERS} AS "servesOthers"`,
    [organizationId, agendaId, ids],
  );
  return row ?? { named: [], servesOthers: false };
}
