import { e164Of, foldedName } from '#domain';
import { summaryOf } from './disclosure.js';
import { StoreUnavailable } from './errors.js';
import { newId } from './ids.js';
import type { Actor, AppointmentRecord, Disclosure, Patient } from './model.js';

const MOST_ATTEMPTS = 5;

/** Who is looked for: by telephone, or by name and birth date. */
export type Wanted =
  { readonly phone: string } | (Pick<Patient, 'lastName' | 'firstName'> & { readonly birthDate: string });

/** One record that names a patient. */
export interface Known {
  readonly kind: 'appointment' | 'entry';
  readonly id: string;
  readonly patient: Patient;
  /** Another one once it says anything else. */
  readonly mark: string;
}

/** What a patient's records were looked for by, and the {@link Known.mark} of everything that was found, his or not. */
export interface Look {
  readonly seed: Seed;
  readonly patient: Patient;
  readonly marks: readonly string[];
}

/** An appointment of a patient, and what a copy of ours may say of it. */
export interface Visit {
  readonly id: string;
  readonly start: number;
  /** It is not over, and stands. */
  readonly ahead: boolean;
  readonly linkId: string | null;
  readonly motifLabel: string;
  readonly overbooked: boolean;
}

/** Copies of ours whose text has to follow: what they may say now, which is kept as keyed digests only. */
export interface FormerText {
  readonly appointmentId: string;
  readonly linkId: string;
  readonly former: readonly string[];
}

/** What was erased, and how far the copies in practitioners' agendas have followed. Names nobody. */
export interface ErasureRecord {
  readonly id: string;
  readonly at: number;
  readonly appointments: number;
  readonly waitingEntries: number;
  readonly quarantined: number;
  /** In practitioners' agendas: written by us, still to be followed, and such as could not be written anew. */
  readonly copies: { readonly total: number; readonly due: number; readonly left: number };
}

/** Everything that is held about a patient, as a document. */
export interface Portable {
  readonly patients: readonly Patient[];
  readonly appointments: readonly object[];
  readonly waiting: readonly object[];
  readonly callbacks: readonly object[];
  readonly events: readonly object[];
  readonly copies: readonly object[];
}

export type Seed = { readonly kind: Known['kind']; readonly id: string };

export abstract class PatientStore {
  /** Latest first, at most `limit`; holds are nobody's visit. */
  abstract find(organizationId: string, wanted: Wanted, limit: number): Promise<readonly AppointmentRecord[]>;
  abstract seed(organizationId: string, seed: Seed): Promise<Known | null>;
  /** Records with the same telephone number, or the same name and birth date. */
  abstract candidates(organizationId: string, patient: Patient): Promise<readonly Known[]>;
  abstract visits(organizationId: string, ids: readonly string[]): Promise<readonly Visit[]>;
  abstract portable(organizationId: string, known: readonly Known[], actor: Actor): Promise<Portable>;
  /** False, and nothing done, when the same look finds anything else by now: nothing is booked between it and the change. */
  abstract rectify(
    organizationId: string,
    known: readonly Known[],
    change: { readonly look: Look; readonly texts: readonly FormerText[]; readonly actor: Actor },
  ): Promise<boolean>;
  /** Destroys the keys and the records of these, and what of theirs lies in quarantine; false as for `rectify`. */
  abstract erase(
    organizationId: string,
    known: readonly Known[],
    erasure: {
      readonly id: string;
      readonly look: Look;
      readonly texts: readonly FormerText[];
      readonly actor: Actor;
    },
  ): Promise<boolean>;
  abstract erasure(organizationId: string, id: string): Promise<ErasureRecord | null>;
  /** The erasure that took this record, when there was one. */
  abstract erasureOf(organizationId: string, id: string): Promise<string | null>;
  /** Forgets who visits were for that are over for as long as the organization keeps that, and raw payloads after a week. */
  abstract retain(organizationId: string): Promise<number>;
}

export type Erased =
  | { readonly outcome: 'erased'; readonly record: ErasureRecord }
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'ahead'; readonly appointments: readonly string[] };

/** What patients may ask for. A patient is who is named by one of his records: an appointment, or an entry of the waiting list. */
export class Patients {
  constructor(private readonly store: PatientStore) {}

  find(organizationId: string, wanted: Wanted, limit: number): Promise<readonly AppointmentRecord[]> {
    return this.store.find(organizationId, wanted, limit);
  }

  erasure(organizationId: string, id: string): Promise<ErasureRecord | null> {
    return this.store.erasure(organizationId, id);
  }

  /** Whether there is such a record, and it names somebody. */
  async knows(organizationId: string, seed: Seed): Promise<boolean> {
    return (await this.store.seed(organizationId, seed)) !== null;
  }

  async export(organizationId: string, seed: Seed, actor: Actor): Promise<Portable | null> {
    const subject = await this.subject(organizationId, seed);
    return subject === null ? null : this.store.portable(organizationId, subject.known, actor);
  }

  /** Puts fields right in every record, and in the copies of ours. Resolves to how many records; `null`: nobody. */
  async rectify(
    organizationId: string,
    seed: Seed,
    { change, actor }: { readonly change: Partial<Patient>; readonly actor: Actor },
  ): Promise<number | null> {
    return asOften(async () => {
      const subject = await this.subject(organizationId, seed);
      if (subject === null) return null;
      const { known, look } = subject;
      const texts = await this.former(organizationId, known);
      const right = known.map((record) => ({ ...record, patient: { ...record.patient, ...change } }));
      return (await this.store.rectify(organizationId, right, { look, texts, actor })) ? known.length : 'again';
    });
  }

  /** Erases a patient. What stands ahead is refused unless `force`: then it stands on, and nobody knows for whom. */
  erase(
    organizationId: string,
    seed: Seed,
    request: { readonly force: boolean; readonly actor: Actor },
  ): Promise<Erased> {
    return asOften(() => this.eraseOnce(organizationId, seed, request));
  }

  retain(organizationId: string): Promise<number> {
    return this.store.retain(organizationId);
  }

  private async eraseOnce(
    organizationId: string,
    seed: Seed,
    { force, actor }: { readonly force: boolean; readonly actor: Actor },
  ): Promise<Erased | 'again'> {
    const subject = await this.subject(organizationId, seed);
    if (subject === null) {
      const earlier = await this.store.erasureOf(organizationId, seed.id);
      const record = earlier === null ? null : await this.store.erasure(organizationId, earlier);
      return record === null ? { outcome: 'unknown' } : { outcome: 'erased', record };
    }
    const { known, look } = subject;
    const ahead = (await this.visits(organizationId, known)).filter((visit) => visit.ahead).map(({ id }) => id);
    if (ahead.length > 0 && !force) return { outcome: 'ahead', appointments: ahead };
    const id = newId();
    const texts = await this.former(organizationId, known);
    if (!(await this.store.erase(organizationId, known, { id, look, texts, actor }))) return 'again';
    const record = await this.store.erasure(organizationId, id);
    if (record === null) throw new Error('an erasure left no record');
    return { outcome: 'erased', record };
  }

  private async subject(
    organizationId: string,
    seed: Seed,
  ): Promise<{ readonly known: readonly Known[]; readonly look: Look } | null> {
    const first = await this.store.seed(organizationId, seed);
    if (first === null) return null;
    const { patient } = first;
    const others = (await this.store.candidates(organizationId, patient)).filter(({ id }) => id !== first.id);
    const same = others.filter((other) => isSamePerson(patient, other.patient));
    const marks = [first, ...others].map(({ mark }) => mark);
    return { known: [first, ...same], look: { seed, patient, marks } };
  }

  private visits(organizationId: string, known: readonly Known[]): Promise<readonly Visit[]> {
    const ids = known.filter(({ kind }) => kind === 'appointment').map(({ id }) => id);
    return this.store.visits(organizationId, ids);
  }

  /** Whatever a link discloses, or disclosed when it was written. */
  private async former(organizationId: string, known: readonly Known[]): Promise<readonly FormerText[]> {
    const patients = new Map(known.map(({ id, patient }) => [id, patient]));
    const levels: readonly Disclosure[] = ['full', 'initials'];
    return (await this.visits(organizationId, known)).flatMap(({ id, linkId, motifLabel, overbooked }) => {
      if (linkId === null) return [];
      const text = (level: Disclosure): string => summaryOf(level, patients.get(id) ?? null, motifLabel, overbooked);
      return [{ appointmentId: id, linkId, former: levels.map(text) }];
    });
  }
}

/** As often as somebody books him, or changes what is known of him, between the look and the change. */
async function asOften<T>(attempt: () => Promise<T | 'again'>): Promise<T> {
  for (let n = 0; n < MOST_ATTEMPTS; n += 1) {
    const done = await attempt();
    if (done !== 'again') return done;
  }
  throw new StoreUnavailable('patient_changes');
}

/** The same name, and the same birth date where both are known; else the same telephone number. */
export function isSamePerson(one: Patient, other: Patient): boolean {
  if (foldedName(one.lastName) !== foldedName(other.lastName)) return false;
  if (foldedName(one.firstName) !== foldedName(other.firstName)) return false;
  if (one.birthDate !== undefined && other.birthDate !== undefined) return one.birthDate === other.birthDate;
  const phone = one.phone === undefined ? null : e164Of(one.phone);
  return phone !== null && other.phone !== undefined && e164Of(other.phone) === phone;
}
