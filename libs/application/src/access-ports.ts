import type { AccessAction, AgendaPlace, DelegationKind, Grant, GrantState, GrantTerms } from '#domain';
import type { Actor } from './model.js';

/** To whom a grant is given. An application acts under its own only where a request names nobody. */
export interface Holder {
  readonly kind: 'collaborator' | 'team' | 'application';
  readonly id: string;
}

/** A grant as it is kept. */
export interface GrantRecord extends GrantTerms {
  readonly id: string;
  readonly holder: Holder;
  readonly state: GrantState;
  readonly delegatedFrom: string | null;
  readonly delegation: DelegationKind | null;
  readonly issuedBy: string | null;
  readonly approvedBy: string | null;
  readonly createdAt: number;
  readonly revokedAt: number | null;
  readonly version: number;
}

/** What a path or a body names, to be found out before it is decided. */
export const TARGETS = [
  'appointment',
  'series',
  'conflict',
  'callback-task',
  'waiting-entry',
  'waiting-offer',
  'link',
  'feed',
  'connection',
  'disconnection',
  'bulk-cancellation',
  'grant',
] as const;
export type TargetKind = (typeof TARGETS)[number];

/** One agenda that a request is about. */
export interface Target {
  readonly agendaId: string;
  readonly motifId: string | null;
}

/** How an organization stands. */
export interface AccessState {
  /** Counts up with every change of who may do what. */
  readonly version: string;
  /** The database's clock (epoch milliseconds). */
  readonly now: number;
  /** Whether it keeps free-text notes about patients. */
  readonly notes: boolean;
}

/** What the decision asks of the database. */
export abstract class AccessStore {
  abstract state(organizationId: string): Promise<AccessState>;
  /** Every grant of a person, of his teams, or of an application, revoked ones included, oldest first. */
  abstract grants(organizationId: string, holder: Holder): Promise<readonly Grant[]>;
  abstract agendas(organizationId: string): Promise<readonly AgendaPlace[]>;
  /** What is behind an id; empty when there is nothing, or nothing about an agenda. */
  abstract targets(organizationId: string, kind: TargetKind, id: string): Promise<readonly Target[]>;
  /** How often grants with quotas were used for an action on a local day. */
  abstract used(organizationId: string, action: AccessAction, localDay: string): Promise<ReadonlyMap<string, number>>;
  /** Takes so many for one request; false when fewer are left of the day's. */
  abstract use(
    organizationId: string,
    use: GrantUse & { readonly perDay: number; readonly many: number },
  ): Promise<boolean>;
  abstract giveBack(organizationId: string, use: GrantUse): Promise<void>;
}

export interface GrantUse {
  readonly grantId: string;
  readonly action: AccessAction;
  readonly localDay: string;
  readonly key: string;
}

export interface GrantQuery {
  readonly organizationId: string;
  readonly holder: Holder | null;
  /** Only grants about one of these; `null` = all. */
  readonly agendaIds: readonly string[] | null;
  readonly after: string | null;
  readonly limit: number;
}

export type GrantChange = 'issued' | 'proposed' | 'approved' | 'changed' | 'revoked' | 'delegated';

/** Grants as they are administered. */
export abstract class GrantStore {
  abstract list(query: GrantQuery): Promise<readonly GrantRecord[]>;
  abstract get(organizationId: string, id: string): Promise<GrantRecord | null>;
  /** `belongs`: to the practice itself; applications do. `null` = there is no such holder. */
  abstract holder(organizationId: string, holder: Holder): Promise<{ readonly outside: boolean } | null>;
  /** Writes the grant, its event on each agenda that it is about, and the mails to those to whom these belong. */
  abstract put(
    organizationId: string,
    grant: GrantRecord,
    change: { readonly kind: GrantChange; readonly version: number | null; readonly actor: Actor },
  ): Promise<GrantRecord | 'stale'>;
}
