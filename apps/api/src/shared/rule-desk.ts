import {
  newId,
  type RuleStore,
  type AgendaRules,
  type ChangeResult,
  type Kept,
  type RuleChange,
  type RuleFault,
  type RuleKind,
  type RuleTypes,
} from '#application';
import { isNotModified, Problem, requiredVersion, versionTag, type Caller, type Exchange } from '#platform';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { actingAs } from './acting.js';
import { pageById } from './paging.js';
import type { Repeats } from './repeats.js';

export const CREATE_PROBLEMS = [
  ...WRITE_PROBLEMS,
  'not-found',
  'idempotency-key-reused',
  'idempotency-in-progress',
] as const;
const BASED = ['not-found', 'stale-version', 'precondition-required', 'holiday-closure', 'backend-closure'] as const;
export const REPLACE_PROBLEMS = [...WRITE_PROBLEMS, ...BASED] as const;
export const REMOVE_PROBLEMS = ['collaborator-required', 'collaborator-unknown', ...BASED] as const;

/** One kind of rule of an agenda, as its resource shows it. */
export interface RuleResource<K extends RuleKind, View> {
  readonly kind: K;
  /** Last segment of the path of the list. */
  readonly name: string;
  readonly view: (kept: Kept<K>, rules: AgendaRules) => View;
}

/** Where a rule stands: the agenda, and the rule's own id. */
export interface RulePlace {
  readonly id: string;
  readonly item: string;
}

/** Rules over HTTP: pages, versions, and what each outcome of a change is answered with. */
export class RuleDesk {
  constructor(
    readonly store: RuleStore,
    private readonly repeats: Repeats,
  ) {}

  async rules({ organizationId }: Caller, agendaId: string): Promise<AgendaRules> {
    const rules = await this.store.read({ organizationId, agendaId });
    if (rules === null) throw new Problem('not-found');
    return rules;
  }

  async list<K extends RuleKind, View>(
    caller: Caller,
    agendaId: string,
    { query, resource }: { query: { limit: number; cursor?: string | undefined }; resource: RuleResource<K, View> },
  ): Promise<{ items: View[]; nextCursor: string | null }> {
    const rules = await this.rules(caller, agendaId);
    const { page, nextCursor } = pageById<Kept<K>>(rules.kept[resource.kind], query);
    return { items: page.map((kept) => resource.view(kept, rules)), nextCursor };
  }

  /** `undefined` when the answer is 304. */
  async get<K extends RuleKind, View>(
    { caller, headers, reply }: Exchange,
    { id, item }: RulePlace,
    resource: RuleResource<K, View>,
  ): Promise<View | undefined> {
    const rules = await this.rules(caller, id);
    const kept = this.find(rules, resource.kind, item);
    void reply.header('ETag', versionTag(kept.version));
    if (!isNotModified(headers, kept.version)) return resource.view(kept, rules);
    void reply.code(304);
    return undefined;
  }

  async create<K extends RuleKind, View>(
    exchange: Exchange,
    { agendaId, body, rule }: { agendaId: string; body: unknown; rule: (rules: AgendaRules) => RuleTypes[K] },
    resource: RuleResource<K, View>,
  ): Promise<View> {
    const path = `/v1/agendas/${agendaId}/${resource.name}`;
    const made = await this.repeats.once(exchange, [`POST ${path}`, body], async () => {
      const given = rule(await this.rules(exchange.caller, agendaId));
      const id = newId();
      const rules = await this.change(exchange, agendaId, { kind: resource.kind, id, rule: given, version: 'new' });
      const kept = this.find(rules, resource.kind, id);
      return { status: 201, body: { id, version: kept.version, view: resource.view(kept, rules) }, resource: id };
    });
    const { reply } = exchange;
    void reply.header('Location', `${path}/${made.id}`).header('ETag', versionTag(made.version));
    return made.view;
  }

  async replace<K extends RuleKind, View>(
    exchange: Exchange,
    { id, item, rule }: RulePlace & { readonly rule: (rules: AgendaRules) => RuleTypes[K] },
    resource: RuleResource<K, View>,
  ): Promise<View> {
    const version = requiredVersion(exchange.headers);
    const given = rule(await this.rules(exchange.caller, id));
    const rules = await this.change(exchange, id, { kind: resource.kind, id: item, rule: given, version });
    const kept = this.find(rules, resource.kind, item);
    void exchange.reply.header('ETag', versionTag(kept.version));
    return resource.view(kept, rules);
  }

  async remove(exchange: Exchange, { id, item }: RulePlace, kind: RuleKind): Promise<void> {
    const version = requiredVersion(exchange.headers);
    await this.change(exchange, id, { kind, id: item, rule: null, version });
  }

  find<K extends RuleKind>({ kept }: AgendaRules, kind: K, id: string): Kept<K> {
    const found = kept[kind].find((one) => one.id === id);
    if (found === undefined) throw new Problem('not-found');
    return found;
  }

  private async change<K extends RuleKind>(
    exchange: Exchange,
    agendaId: string,
    { version, ...change }: { kind: K; id: string; rule: RuleTypes[K] | null; version: number | 'new' },
  ): Promise<AgendaRules> {
    return this.write(exchange, agendaId, { change: change as RuleChange, version }).then(({ rules }) => rules);
  }

  /** Throws the problem that a change that was not made is answered with. */
  async write(
    { caller }: Exchange,
    agendaId: string,
    { change, version }: { change: RuleChange; version: number | 'new' | null },
  ): Promise<Extract<ChangeResult, { outcome: 'changed' }>> {
    const { organizationId } = caller;
    const result = await this.store.change({ organizationId, agendaId }, change, { version, actor: actingAs(caller) });
    switch (result.outcome) {
      case 'changed':
        return result;
      case 'faults':
        throw faultsProblem(result.faults, 'body');
      case 'unknown':
        throw new Problem('not-found');
      case 'stale':
        throw new Problem('stale-version');
      case 'required':
        throw new Problem('precondition-required', { errors: [{ path: 'header.if-match', message: 'is required' }] });
      case 'holiday':
        throw new Problem('holiday-closure');
      case 'backend':
        throw new Problem('backend-closure');
      case 'capacity-in-use':
        throw new Problem('capacity-in-use');
    }
  }
}

/** What only the agenda's other rules show, where the request said it. */
export function faultsProblem(faults: readonly RuleFault[], place: string): Problem {
  const errors = faults.map(({ path, message }) => ({ path: path === '' ? place : `${place}.${path}`, message }));
  return new Problem('bad-input', { errors });
}
