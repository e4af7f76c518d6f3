import {
  allowedAgendas,
  allowedEverywhere,
  coversAgenda,
  decide,
  REFUSALS,
  shownIdentity,
  type AccessAction,
  type AccessRefusal,
  type AgendaPlace,
  type Audience,
  type Channel,
  type Decision,
  type Grant,
  type ShownIdentity,
} from '#domain';
import type { AccessState, AccessStore, Holder, Target, TargetKind } from './access-ports.js';

/** Who asks, and how. */
export interface Applicant {
  readonly organizationId: string;
  readonly holder: Holder;
  readonly audience: Audience;
  readonly channel: Channel;
}

/** What is asked of somebody's grants. */
export interface RightsQuestion {
  readonly action: AccessAction;
  readonly agenda: AgendaPlace | null;
  readonly motifId: string | null;
  /** Uses that count already; without it quotas are left out of account. */
  readonly used?: ReadonlyMap<string, number>;
}

/** Quotas left out of account. */
const UNCOUNTED: ReadonlyMap<string, number> = new Map();

/** What somebody may do, as it stood at one moment. */
export class Rights {
  constructor(
    readonly asker: Applicant,
    readonly at: number,
    private readonly known: {
      readonly grants: readonly Grant[];
      readonly agendas: ReadonlyMap<string, AgendaPlace>;
      /** Whether the organization keeps free-text notes. */
      readonly notes: boolean;
    },
  ) {}

  /** The same grants at another instant (epoch milliseconds). */
  when(at: number): Rights {
    return new Rights(this.asker, at, this.known);
  }

  get grants(): readonly Grant[] {
    return this.known.grants;
  }

  get agendas(): Iterable<AgendaPlace> {
    return this.known.agendas.values();
  }

  agenda(id: string): AgendaPlace | undefined {
    return this.known.agendas.get(id);
  }

  /** An agenda that no grant was ever about does not exist for him. */
  knows(agenda: AgendaPlace): boolean {
    return this.known.grants.some((grant) => coversAgenda(grant, agenda));
  }

  decide({ used = UNCOUNTED, ...question }: RightsQuestion): Decision {
    const { audience, channel } = this.asker;
    return decide({ ...question, audience, channel, used }, this.known.grants, this.at);
  }

  may(action: AccessAction, agendaId: string, motifId: string | null = null): boolean {
    const agenda = this.agenda(agendaId);
    return agenda !== undefined && this.decide({ action, agenda, motifId }).allowed;
  }

  everywhere(action: AccessAction, motifId: string | null = null): boolean {
    return this.throughout(action, motifId) !== null;
  }

  /** The grant that allows it in every agenda, those to come included. */
  throughout(action: AccessAction, motifId: string | null = null): string | null {
    const { audience, channel } = this.asker;
    return allowedEverywhere({ action, audience, channel, motifId }, this.known.grants, this.at)?.id ?? null;
  }

  /** A grant that allows it somewhere, one for everywhere first. */
  somewhere(action: AccessAction, motifId: string | null): string | null {
    const decision = this.decide({ action, agenda: null, motifId });
    return this.throughout(action, motifId) ?? (decision.allowed ? decision.grantId : null);
  }

  /** The agendas in which it is allowed; `null` = in all, those to come included. */
  where(action: AccessAction, motifId: string | null = null): readonly string[] | null {
    if (this.everywhere(action, motifId)) return null;
    const { audience, channel } = this.asker;
    const within = { grants: this.known.grants, agendas: [...this.known.agendas.values()], at: this.at };
    return allowedAgendas({ action, audience, channel, motifId }, within).map(({ id }) => id);
  }

  /** What he may see of patients there; without an agenda, in every one. Where no notes are kept nobody sees one. */
  identity(agenda: AgendaPlace | null, motifId: string | null): ShownIdentity {
    const { audience, channel } = this.asker;
    const shown = shownIdentity({ agenda, motifId, audience, channel }, this.known.grants, this.at);
    if (this.known.notes || !shown.fields.has('note')) return shown;
    return { ...shown, fields: new Set([...shown.fields].filter((field) => field !== 'note')) };
  }

  /** Why it is allowed nowhere: the nearest miss over all agendas. */
  nowhere(action: AccessAction, motifId: string | null): AccessRefusal {
    const all = [null, ...this.known.agendas.values()].map((agenda) => this.decide({ action, agenda, motifId }));
    const refusals = all.flatMap((decision) => (decision.allowed ? [] : [decision.reason]));
    return REFUSALS.findLast((reason) => refusals.includes(reason)) ?? 'RIGHT';
  }
}

interface Remembered<T> {
  readonly version: string;
  readonly value: T;
}

/** How long keys, people and rights are believed once they were looked at: what was withdrawn acts after this at the latest. */
export const RIGHTS_BELIEVED_MS = 500;
/** From this age on it is looked at again beside the requests, so that where many ask none of them waits for it. */
const RENEWED_MS = 250;
const MOST_REMEMBERED = 20_000;

/** What an organization's rights stood at. */
interface State extends Omit<AccessState, 'now'> {
  /** Milliseconds by which the database's clock is ahead of this process's. */
  readonly ahead: number;
}

/**
 * Who may do what, remembered as long as nothing changed. A few small queries per organization and second tell whether; a
 * decision itself asks the database nothing.
 */
export class Access {
  private readonly states = new Map<string, { readonly askedAt: number; readonly state: Promise<State> }>();
  private readonly renewing = new Set<string>();
  private readonly grants = new Map<string, Remembered<Promise<readonly Grant[]>>>();
  private readonly agendas = new Map<string, Remembered<Promise<ReadonlyMap<string, AgendaPlace>>>>();

  constructor(
    readonly store: AccessStore,
    private readonly effects: { now(): number },
  ) {}

  async rights(asker: Applicant): Promise<Rights> {
    const { organizationId, holder } = asker;
    const { version, ahead, notes } = await this.state(organizationId);
    const [grants, agendas] = await Promise.all([
      remember(this.grants, [`${organizationId} ${holder.kind} ${holder.id}`, version], () =>
        this.store.grants(organizationId, holder),
      ),
      remember(this.agendas, [organizationId, version], async () => {
        const all = await this.store.agendas(organizationId);
        return new Map(all.map((agenda) => [agenda.id, agenda]));
      }),
    ]);
    return new Rights(asker, this.effects.now() + ahead, { grants, agendas, notes });
  }

  /** Changes with every change of who may do what. */
  async version(organizationId: string): Promise<string> {
    return (await this.state(organizationId)).version;
  }

  targets(organizationId: string, kind: TargetKind, id: string): Promise<readonly Target[]> {
    return this.store.targets(organizationId, kind, id);
  }

  /** After a change that this process made itself. */
  forget(organizationId: string): void {
    this.states.delete(organizationId);
  }

  private state(organizationId: string): Promise<State> {
    const now = this.effects.now();
    const kept = this.states.get(organizationId);
    if (kept === undefined || now >= kept.askedAt + RIGHTS_BELIEVED_MS) {
      if (this.states.size >= MOST_REMEMBERED) this.states.clear();
      const state = this.look(organizationId);
      state.catch(() => {
        this.states.delete(organizationId);
      });
      this.states.set(organizationId, { askedAt: now, state });
      return state;
    }
    if (now >= kept.askedAt + RENEWED_MS) void this.renew(organizationId, kept, now);
    return kept.state;
  }

  /** What was forgotten or looked at anew meanwhile stays so; when the database does not answer, the next to ask is told. */
  private async renew(organizationId: string, kept: object, askedAt: number): Promise<void> {
    if (this.renewing.has(organizationId)) return;
    this.renewing.add(organizationId);
    const found = await this.look(organizationId).catch(() => null);
    this.renewing.delete(organizationId);
    if (found !== null && this.states.get(organizationId) === kept)
      this.states.set(organizationId, { askedAt, state: Promise.resolve(found) });
  }

  private async look(organizationId: string): Promise<State> {
    const { now, ...stands } = await this.store.state(organizationId);
    return { ...stands, ahead: now - this.effects.now() };
  }
}

function remember<T>(
  memory: Map<string, Remembered<Promise<T>>>,
  [key, version]: readonly [string, string],
  read: () => Promise<T>,
): Promise<T> {
  const kept = memory.get(key);
  if (kept?.version === version) return kept.value;
  if (memory.size >= MOST_REMEMBERED) memory.clear();
  const value = read();
  value.catch(() => {
    memory.delete(key);
  });
  memory.set(key, { version, value });
  return value;
}
