import {
  classOf,
  newId,
  type Actor,
  type Asker,
  type BookingAnswer,
  type BookingTerms,
  type Explanation,
  type Patient,
  type Place,
} from '#application';
import { AUDIENCES, DAY_PARTS, WEEKDAYS } from '#domain';
import type { Random } from '../simulation/random.js';
import type { TestHub } from './hub.js';
import type { RandomPractice } from './random-practice.js';

const MINUTE = 60_000;
const DAY = 86_400_000;

const NEAR_MS = 3 * 60 * MINUTE;

/** What was overbooked onto a hold is busy for everybody but whoever has held the place since before. */
const withoutBusy = (said: Explanation): Explanation => ({
  ...said,
  objections: said.objections.filter(({ code }) => code !== 'BUSY'),
});

interface Standing {
  readonly id: string;
  readonly motifId: string;
  readonly patient: Patient | null;
  version: number;
}

/** What chance asked for, and everything that the hub said of it which does not fit together. */
export class RandomBookings {
  readonly faults: string[] = [];
  readonly told = { booked: 0, refused: 0, slots: 0, codes: new Set<string>() };
  private readonly booked: Standing[] = [];
  private readonly holds: Standing[] = [];
  /** Where something stands, or stood. */
  private readonly taken: number[] = [];
  /** Where somebody was put onto whatever stands there. */
  private readonly overbooked: number[] = [];
  /** An appointment of each patient, whatever became of it. */
  private readonly known = new Map<Patient, string>();

  constructor(
    private readonly hub: TestHub,
    private readonly practice: RandomPractice,
    private readonly random: Random,
  ) {}

  async step(): Promise<void> {
    const steps = [
      () => this.book(),
      () => this.book(),
      () => this.hold(),
      () => this.bookHold(),
      () => this.move(),
      () => this.cancel(),
      () => this.overbook(),
      () => this.search(),
    ];
    await this.random.pick(steps)!();
  }

  private async book(): Promise<void> {
    const patient = this.random.pick(this.practice.patients)!;
    const { place, terms, actor } = await this.place(patient);
    const before = await this.explain(place);
    const answer = await this.hub.booking.book({
      ...this.request(place, terms, actor),
      id: newId(),
      key: null,
      patient,
    });
    this.judge('book', before, answer);
    this.note(answer, { patient, motifId: place.motifId }, this.booked);
  }

  /** Some are over at once. */
  private async hold(): Promise<void> {
    const newPatient = this.random.pick([undefined, true, false]);
    const { place, terms, actor } = await this.place(null, newPatient);
    const before = await this.explain(place);
    const holdSeconds = this.random.chance(0.2) ? 0 : 600;
    const request = { ...this.request(place, { ...terms, newPatient }, actor), id: newId(), key: null, holdSeconds };
    const answer = await this.hub.booking.hold(request);
    this.judge('hold', before, answer);
    if (holdSeconds > 0) this.note(answer, { patient: null, motifId: place.motifId }, this.holds);
  }

  private async bookHold(): Promise<void> {
    const hold = this.holds.splice(this.random.below(this.holds.length), 1)[0];
    if (hold === undefined) return;
    const { organization: organizationId } = this.practice;
    const record = await this.hub.bookings.get({ organizationId, id: hold.id });
    if (record === null) throw new Error('a hold is gone');
    const patient = this.random.pick(this.practice.patients)!;
    const { place, terms, actor } = await this.place(patient);
    const there = { ...place, start: record.start, motifId: hold.motifId };
    const before = await this.explain({ ...there, asker: { ...place.asker, moving: hold.id } });
    const request = { ...this.request(there, terms, actor), holdId: hold.id, patient, key: null };
    const answer = await this.hub.booking.bookHold(request);
    const isCovered = this.overbooked.some((start) => Math.abs(start - record.start) < NEAR_MS);
    this.judge('book a hold', answer.outcome === 'booked' && isCovered ? withoutBusy(before) : before, answer);
    if (answer.outcome === 'booked') this.note(answer, { patient, motifId: hold.motifId }, this.booked);
    else await this.hub.booking.release({ organizationId, id: hold.id }, actor);
  }

  private async move(): Promise<void> {
    const standing = this.random.pick(this.booked);
    if (standing?.patient == null) return;
    const { place, terms, actor } = await this.place(standing.patient);
    const before = await this.explain({ ...place, asker: { ...place.asker, moving: standing.id } });
    const { start, motifId } = place;
    const { id, version } = standing;
    const answer = await this.hub.booking.move({ ...this.request(place, terms, actor), id, version, start, motifId });
    this.judge('move', before, answer);
    if (answer.outcome === 'booked') standing.version = answer.record.version;
  }

  private async cancel(): Promise<void> {
    const standing = this.booked.splice(this.random.below(this.booked.length), 1)[0];
    if (standing === undefined) return;
    const actor = this.actor();
    const { organization: organizationId } = this.practice;
    const ref = { organizationId, id: standing.id, version: null, key: null };
    await this.hub.booking.cancel({ ...ref, actor, waitMs: 0, reason: { code: 'CANCELLED' } });
  }

  private async overbook(): Promise<void> {
    if (this.random.chance(0.7)) return;
    const patient = this.random.pick(this.practice.patients)!;
    const { place, terms, actor } = await this.place(patient);
    const request = this.request(place, { ...terms, overbooking: 'Urgence' }, actor);
    const answer = await this.hub.booking.book({ ...request, id: newId(), key: null, patient });
    this.note(answer, { patient, motifId: place.motifId }, this.booked);
    if (answer.outcome === 'booked') this.overbooked.push(answer.record.start);
  }

  /** Everything found can be booked by who asks. */
  private async search(): Promise<void> {
    const { place } = await this.place(this.random.pick(this.practice.patients)!);
    const day = this.random.pick(this.practice.days)!;
    const filter = {
      weekdays: this.random.chance(0.2) ? [this.random.pick(WEEKDAYS)!] : null,
      dayParts: this.random.chance(0.3) ? [this.random.pick(DAY_PARTS)!] : null,
      modality: null,
    };
    for (const { start } of await this.slots(place, { start: day, end: day + DAY }, filter)) {
      this.told.slots++;
      const said = await this.explain({ ...place, start });
      if (said.objections.length > 0) this.fault('found, but not bookable', { ...place, start }, said);
    }
  }

  private async explain(place: Place): Promise<Explanation> {
    const said = await this.hub.search.explain(place);
    if (said === null) throw new Error('the agenda or the motif is not known');
    for (const { code } of said.objections) this.told.codes.add(code);
    if (place.asker.moving != null) return said;
    const isFound = (await this.slots(place, { start: place.start, end: place.start + 1 })).length > 0;
    if (isFound !== (said.objections.length === 0)) this.fault(`search found it: ${String(isFound)}`, place, said);
    return said;
  }

  private async slots(place: Place, window: { start: number; end: number }, filter = NO_FILTER) {
    const { agendaId, ...asked } = place;
    return (await this.hub.search.search({ ...asked, agendaIds: [agendaId], window, limit: 500, filter }))?.slots ?? [];
  }

  private judge(what: string, before: Explanation, answer: BookingAnswer): void {
    const codes = before.objections.map(({ code }) => code as string);
    const isBooked = answer.outcome === 'booked';
    this.told[isBooked ? 'booked' : 'refused']++;
    const fits = isBooked ? codes.length === 0 : codes.includes(answer.code ?? answer.problem);
    if (fits) return;
    const given = answer.outcome === 'booked' ? 'booked' : `${answer.problem} ${answer.code ?? ''}`;
    this.faults.push(`${what}: explained as [${codes.join()}], answered ${given}`);
  }

  private fault(what: string, { start, asker }: Place, { objections }: Explanation): void {
    const codes = objections.map(({ code }) => code).join();
    this.faults.push(`${what}: [${codes}] at ${new Date(start).toISOString()} for ${JSON.stringify(asker)}`);
  }

  private note(
    answer: BookingAnswer,
    { patient, motifId }: Pick<Standing, 'patient' | 'motifId'>,
    list: Standing[],
  ): void {
    if (answer.outcome !== 'booked') return;
    const { id, version, start } = answer.record;
    this.taken.push(start);
    list.push({ id, version, motifId, patient });
    if (patient !== null) this.known.set(patient, id);
  }

  /** A start at random, often one that search offers or near what is taken; and who asks. */
  private async place(
    patient: Patient | null,
    newPatient?: boolean,
  ): Promise<{ place: Place; terms: BookingTerms; actor: ReturnType<RandomBookings['actor']> }> {
    const { organization: organizationId, agenda: agendaId, motifs, days } = this.practice;
    const actor = this.actor();
    const audience = this.random.chance(0.6) ? 'SECRETARIAT' : this.random.pick(AUDIENCES)!;
    const asker: Asker = {
      ...{ audience, collaboratorId: actor.id },
      ...(patient && { patientOf: this.known.get(patient) ?? null, patient: classOf(patient, Date.now()) }),
      ...(newPatient !== undefined && { patient: { isNew: newPatient } }),
    };
    const day = this.random.pick(days)!;
    const steps = this.random.below(26 * 12) * 5 + (this.random.chance(0.1) ? 1 : 0);
    const place = { organizationId, agendaId, motifId: this.random.pick(motifs)!, start: day + steps * MINUTE, asker };
    const near = this.random.chance(0.3) ? this.random.pick(this.taken) : undefined;
    if (near !== undefined) place.start = near + this.random.pick([-20, -10, 0, 0, 0, 5, 15])! * MINUTE;
    const offered =
      near === undefined && this.random.chance(0.7) ? await this.slots(place, { start: day, end: day + DAY }) : [];
    const start = this.random.pick(offered)?.start ?? place.start;
    return { place: { ...place, start }, terms: { audience, acknowledged: true }, actor };
  }

  private request(
    { organizationId, agendaId, motifId, start }: Place,
    terms: BookingTerms,
    actor: ReturnType<RandomBookings['actor']>,
  ) {
    return { organizationId, agendaId, motifId, start, terms, actor, waitMs: 0 };
  }

  private actor(): Extract<Actor, { kind: 'collaborator' }> {
    return { kind: 'collaborator', id: this.random.pick(this.practice.collaborators)!, key: newId() };
  }
}

const NO_FILTER: {
  weekdays: (typeof WEEKDAYS)[number][] | null;
  dayParts: (typeof DAY_PARTS)[number][] | null;
  modality: null;
} = {
  weekdays: null,
  dayParts: null,
  modality: null,
};
