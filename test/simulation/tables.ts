import type { Patient, PendingWrite, Reason } from '#application';
import { isLive, overlaps, type AppointmentStatus, type ConflictPolicy, type Interval } from '#domain';

export const ORGANIZATION = '00000000-0000-4000-8000-00000000000a';
export const AGENDA = '00000000-0000-4000-8000-00000000000b';
export const MOTIF = '00000000-0000-4000-8000-00000000000c';
export const LINK = '00000000-0000-4000-8000-00000000000d';
export const CONNECTION = '00000000-0000-4000-8000-00000000000e';
export const COLLABORATOR = '00000000-0000-4000-8000-00000000000f';
export const REMOTE_AGENDA = 'agenda';
export const MOTIF_LABEL = 'Consultation';
export const PATIENT: Patient = { lastName: 'Exemple', firstName: 'Camille' };

export interface Appointment extends Interval {
  readonly id: string;
  status: AppointmentStatus;
  start: number;
  end: number;
  holdUntil: number | null;
  generation: number;
  version: number;
  ending: 'cancelled' | 'refused' | null;
  reason: Reason | null;
}

export interface WriteRow {
  readonly appointmentId: string;
  due: boolean;
  dueAt: number;
  askedAt: number;
  attempts: number;
  unanswered: number;
  lastSentAt: number | null;
  failures: number;
  departing: Interval | null;
}

export interface Claim extends Interval {
  readonly authority: 'hub' | 'remote';
  readonly kind: 'appointment' | 'departing' | 'mirror';
  readonly holder: string;
  contested: boolean;
}

export interface Mirror {
  readonly remoteId: string;
  version: string | null;
  contentHash: string;
  summary: string | null;
  appointmentId: string | null;
  when: Interval | null;
  gone: boolean;
}

export interface KeyRow {
  readonly hash: string;
  resource: string | null;
  answer: { readonly status: number; readonly body: unknown } | null;
}

export interface LinkRow {
  policy: ConflictPolicy;
  cursor: string | null;
  asOf: number;
  reconciledAt: number;
  pollAt: number;
  /** Deletions wait for a person. */
  braked: boolean;
  /** Remote ids of these, and which of them a person has released. */
  held: readonly string[];
  released: readonly string[];
}

/** Safeties of the database that a run may do without, to show that the judge would notice. */
export interface DatabaseSafeties {
  /** A change of state happens only from the states (and the version) it was decided on. */
  readonly compareAndSet: boolean;
  /** What was read under a lease that is another's by now is not stored. */
  readonly fencing: boolean;
  /** Claims exclude one another. */
  readonly exclusion: boolean;
}

/** The database said no where the code above should not have tried: the rows are not what they must be. */
export class Refused extends Error {}

/** The tables behind one agenda of one seat, with the constraints that the real ones have. */
export class Tables {
  readonly appointments = new Map<string, Appointment>();
  readonly writes = new Map<string, WriteRow>();
  readonly mirrors = new Map<string, Mirror>();
  readonly keys = new Map<string, KeyRow>();
  readonly link: LinkRow = {
    policy: 'practitioner-wins',
    cursor: null,
    asOf: -Infinity,
    reconciledAt: -Infinity,
    pollAt: -Infinity,
    braked: false,
    held: [],
    released: [],
  };
  readonly lane = { fence: 0, until: -Infinity };
  claims: Claim[] = [];

  constructor(
    /** The database's clock. */
    readonly now: () => number,
    readonly safeties: DatabaseSafeties,
  ) {}

  claim(claim: Claim): void {
    const { exclusion } = this.safeties;
    if (exclusion && !claim.contested && this.claims.some((other) => !other.contested && excludes(claim, other))) {
      throw new Refused(`a claim of ${claim.holder} overlaps another`);
    }
    this.claims.push(claim);
  }

  /** Puts a contested claim back under the constraints. */
  uncontest(claim: Claim): void {
    this.claims.splice(this.claims.indexOf(claim), 1);
    this.claim({ ...claim, contested: false });
  }

  unclaim(which: (claim: Claim) => boolean): void {
    this.claims = this.claims.filter((claim) => !which(claim));
  }

  /** The appointment, when it is in one of the states that a change may start from. */
  from(id: string, states: readonly AppointmentStatus[]): Appointment | null {
    const appointment = this.appointments.get(id);
    if (appointment === undefined) return null;
    return !this.safeties.compareAndSet || states.includes(appointment.status) ? appointment : null;
  }

  /** True as long as the appointment is as it was read, and nobody tried but the step that read it. */
  isStill(read: Pick<PendingWrite, 'appointmentId' | 'version' | 'generation' | 'attempts'>): boolean {
    const appointment = this.appointments.get(read.appointmentId);
    const alone = (this.writes.get(read.appointmentId)?.attempts ?? 0) <= read.attempts + 1;
    const same = appointment?.version === read.version && appointment.generation === read.generation;
    return !this.safeties.compareAndSet || (alone && same);
  }

  set(appointment: Appointment, status: AppointmentStatus, reason: Reason | null = appointment.reason): void {
    appointment.status = status;
    appointment.version += 1;
    appointment.reason = reason;
    if (status !== 'held') appointment.holdUntil = null;
    if (status !== 'compensating') appointment.ending = null;
  }

  /** What deferred triggers check at the end of a transaction. */
  check(): void {
    if (!this.safeties.compareAndSet || !this.safeties.exclusion) return;
    for (const { id, status } of this.appointments.values()) {
      let places = 0;
      let departing = 0;
      for (const claim of this.claims) {
        if (claim.holder !== id) continue;
        if (claim.kind === 'appointment') places += 1;
        else departing += 1;
      }
      if (isLive(status) ? places !== 1 : places + departing > 0)
        throw new Refused(`${id} is ${status} with ${places} + ${departing} claims`);
      if (isLive(status) && (this.writes.get(id)?.departing != null) !== departing > 0)
        throw new Refused(`${id} has lost its old place`);
    }
  }
}

/** What the two exclusion constraints forbid: hub and hub (of another holder), hub and remote. */
function excludes(a: Claim, b: Claim): boolean {
  if (!overlaps(a, b)) return false;
  return a.authority === 'hub' && b.authority === 'hub' ? a.holder !== b.holder : a.authority !== b.authority;
}
