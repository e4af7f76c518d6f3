import type { Actor } from './model.js';

export interface CollaboratorRecord {
  readonly id: string;
  readonly displayName: string;
  readonly active: boolean;
  readonly kind: 'member' | 'mandated';
  readonly mandateId: string | null;
}

export interface TeamRecord {
  readonly id: string;
  readonly name: string;
  readonly memberIds: readonly string[];
  /** Of a mandate's team. */
  readonly mandateId: string | null;
  readonly version: number;
}

/** The contract of a practice with a secretariat. Instants in epoch milliseconds, `[startsAt, endsAt)`. */
export interface MandateRecord {
  readonly id: string;
  readonly secretariatId: string;
  readonly label: string;
  /** `shared`: whoever the secretariat sends; `dedicated`: those whom the practice named. */
  readonly staffing: 'shared' | 'dedicated';
  readonly teamId: string;
  readonly startsAt: number;
  readonly endsAt: number | null;
  readonly revokedAt: number | null;
  readonly version: number;
}

export interface NewMandate extends Pick<
  MandateRecord,
  'id' | 'secretariatId' | 'label' | 'staffing' | 'startsAt' | 'endsAt'
> {
  readonly teamId: string;
}

/** Teams, and secretariats under a mandate. */
export abstract class People {
  abstract collaborators(organizationId: string): Promise<readonly CollaboratorRecord[]>;
  abstract teams(organizationId: string): Promise<readonly TeamRecord[]>;
  /** `version` `null` makes it. `foreign`: a member is unknown, or does not belong in this team. */
  abstract putTeam(
    organizationId: string,
    team: Pick<TeamRecord, 'id' | 'name' | 'memberIds'>,
    change: { readonly version: number | null; readonly actor: Actor },
  ): Promise<TeamRecord | 'stale' | 'unknown' | 'foreign'>;
  abstract mandates(organizationId: string): Promise<readonly MandateRecord[]>;
  /** `unknown`: there is no such secretariat. */
  abstract makeMandate(organizationId: string, mandate: NewMandate, actor: Actor): Promise<MandateRecord | 'unknown'>;
  /** Another end, or an end now. */
  abstract endMandate(
    organizationId: string,
    id: string,
    change: { readonly endsAt: number | 'now'; readonly version: number; readonly actor: Actor },
  ): Promise<MandateRecord | 'stale' | 'unknown'>;
  /** Names a person of the secretariat, by the id that he has there. */
  abstract name(
    organizationId: string,
    mandateId: string,
    who: { readonly id: string; readonly displayName: string; readonly actor: Actor },
  ): Promise<CollaboratorRecord | 'unknown'>;
  /** To whom an agenda belongs. `unknown`: there is no such agenda, `foreign`: no such person. */
  abstract setOwner(
    organizationId: string,
    agendaId: string,
    owner: { readonly collaboratorId: string | null; readonly email: string | null; readonly actor: Actor },
  ): Promise<'set' | 'unknown' | 'foreign'>;
  /** Whether a person of a secretariat may act in a practice now; with a shared mandate he is entered there. */
  abstract mandated(
    organizationId: string,
    who: { readonly secretariatId: string; readonly collaboratorId: string },
  ): Promise<boolean>;
}
