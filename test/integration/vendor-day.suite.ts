import { expect } from '@jest/globals';
import { SLOTS, type Seen, type VendorDay, type Ways } from './vendor-day.js';

/** What the day should look like so far. */
class Plan {
  readonly appointments = new Map<string, string>();
  /** Half hours that are taken at the backend, and by whom. */
  readonly taken = new Map<number, string>();

  readonly held = new Set<number>();

  seen(shows: Ways['shows'] = 'patients'): Seen {
    const there = [...this.taken].map(
      ([slot, whose]) => `${String(slot).padStart(2, '0')} ${shows === 'patients' ? whose : ''}`,
    );
    const slots = Array.from({ length: SLOTS }, (_, slot) => slot);
    const free = slots.filter((slot) => !this.taken.has(slot) && !this.held.has(slot));
    return { appointments: Object.fromEntries(this.appointments), there: there.sort(), free };
  }

  confirmed(patient: string, slot: number): void {
    this.appointments.set(patient, `confirmed ${String(slot)}`);
    this.taken.set(slot, patient);
  }

  moved(from: number, to: number): void {
    const whose = this.taken.get(from)!;
    this.taken.delete(from);
    this.taken.set(to, whose);
    if (this.appointments.has(whose)) this.appointments.set(whose, `confirmed ${String(to)}`);
  }

  cancelled(patient: string, slot: number): void {
    this.appointments.set(patient, `cancelled ${String(slot)}`);
    this.taken.delete(slot);
  }
}

type Do = (day: VendorDay, plan: Plan) => Promise<void>;

const EACH_METHOD = ['POST', 'PUT', 'PATCH', 'DELETE'];
const LOST_ANSWERS = EACH_METHOD.map((method) => ({ kind: 'drop-after-commit', method, times: 1 }));

const books =
  (patient: string, slot: number): Do =>
  async (day, plan) => {
    const told = await day.book(patient, slot);
    // Where somebody has to accept, nobody is promised anything before.
    if (day.ways.promises !== 'at once') expect(told).toMatch(/^(pending|unknown)$/);
    else expect(told).toMatch(/^(confirmed|pending|unknown)$/);
    plan.confirmed(patient, slot);
  };

const isRefused =
  (patient: string, slot: number): Do =>
  async (day) => {
    const told = await day.book(patient, slot);
    expect(told.startsWith('refused') ? told : await day.endOf(patient)).toMatch(/^refused/);
    day.appointments.delete(patient);
  };

const moves =
  (patient: string, from: number, to: number): Do =>
  async (day, plan) => {
    await day.move(patient, to);
    plan.moved(from, to);
  };

const cancels =
  (patient: string, slot: number): Do =>
  async (day, plan) => {
    await day.cancel(patient);
    plan.cancelled(patient, slot);
  };

const puts =
  (by: 'practitioner' | 'patient', slot: number, title: string): Do =>
  async (day, plan) => {
    await day.put(by, slot, title);
    plan.taken.set(slot, title);
  };

const drags =
  (from: number, to: number): Do =>
  async (day, plan) => {
    await day.drag(from, to);
    plan.moved(from, to);
  };

const removes =
  (slot: number, by: 'practitioner' | 'patient' = 'practitioner'): Do =>
  async (day, plan) => {
    await day.drag(slot, null, by);
    const whose = plan.taken.get(slot)!;
    if (plan.appointments.has(whose)) plan.cancelled(whose, slot);
    plan.taken.delete(slot);
  };

/** While `faults` happen, the same is done. */
const during =
  (faults: readonly object[], where: 'everywhere' | 'writes', act: Do): Do =>
  async (day, plan) => {
    await day.agenda.arm(faults, where);
    await act(day, plan);
    // What may not be sent yet is sent once nothing earlier can land: into the same fault.
    if (where === 'writes') await day.settle();
    expect(await day.agenda.disarm()).toBeGreaterThan(0);
  };

const reads =
  (sync: 'delta' | 'full' = 'delta'): Do =>
  async (day) => {
    expect(await day.read(sync)).toBe('done');
  };
const fails: Do = async (day) => {
  await day.read();
};

const wantsWhatIsTaken =
  (slot: number): Do =>
  async (day) => {
    const told = await day.tries(slot);
    if (day.ways.overlaps === 'are refused') expect(told).toBe('refused');
  };

const wantsWhatIsHeld =
  (slot: number): Do =>
  async (day) => {
    expect(await day.tries(slot)).toBe(day.ways.whatIsHeld === 'is kept there' ? 'refused' : 'let in');
  };

const holds =
  (patient: string, slot: number): Do =>
  async (day, plan) => {
    expect(await day.hold(patient, slot)).toBe('held');
    plan.appointments.set(patient, `held ${String(slot)}`);
    plan.held.add(slot);
  };

const confirms =
  (patient: string, slot: number): Do =>
  async (day, plan) => {
    await day.confirm(patient);
    plan.held.delete(slot);
    plan.confirmed(patient, slot);
  };

const releases =
  (patient: string, slot: number): Do =>
  async (day, plan) => {
    await day.release(patient);
    plan.held.delete(slot);
    plan.appointments.set(patient, `expired ${String(slot)}`);
  };

const noMove =
  (patient: string, to: number): Do =>
  async (day) => {
    expect(await day.move(patient, to)).toMatch(/^refused taken/);
  };

/** The day, step by step; after each one the hub reads, and both sides are as the plan says. */
export const STEPS: readonly (readonly [string, Do])[] = [
  ['the secretary looks for a time', reads('full')],
  ['she holds one', holds('Abadie', 0)],
  ['nobody else gets what is held', isRefused('Intrus', 0)],
  ['she books what she held', confirms('Abadie', 0)],
  ['she books', books('Blanchet', 1)],
  ['she books again', books('Colinet', 2)],
  ['she does not get what is booked', isRefused('Intrus', 1)],
  ['the practitioner takes time', puts('practitioner', 4, 'Privé')],
  ['she does not get what he took', isRefused('Intrus', 4)],
  ['he drags an appointment', drags(2, 5)],
  ['she books where it was', books('Faureau', 2)],
  ['she moves an appointment', moves('Blanchet', 1, 6)],
  ['she does not move it onto another', noMove('Blanchet', 5)],
  ['a patient books online', puts('patient', 1, 'En ligne')],
  ['a patient wants online what is taken', wantsWhatIsTaken(6)],
  ['she cancels', cancels('Faureau', 2)],
  ['another patient books online what is free again', puts('patient', 2, 'Internet')],
  ['she does not get what a patient booked online', isRefused('Intrus', 2)],
  ['he deletes an appointment', removes(0)],
  ['the answer to a booking is lost', during(LOST_ANSWERS, 'writes', books('Hubertin', 0))],
  ['the hub reads everything, and nothing is double', reads('full')],
  ['a reading fails', during([{ kind: 'error', status: 503 }], 'everywhere', fails)],
  ['he drags what is his own', drags(4, 7)],
  ['she books where it was', books('Imberty', 4)],
  [
    'a patient wants online what she holds; she lets it go',
    async (day, plan) => {
      await holds('Jacobin', 8)(day, plan);
      await wantsWhatIsHeld(8)(day, plan);
      await releases('Jacobin', 8)(day, plan);
    },
  ],
  ['a booking gets lost on its way', during([{ kind: 'reset', times: 1 }], 'writes', books('Kleinert', 8))],
  ['the patient cancels online', removes(1, 'patient')],
  ['she books where he was', books('Leroyer', 1)],
  ['she does not move it onto what is his own', noMove('Leroyer', 7)],
  ['he deletes what is his own', removes(7)],
  ['she moves it there now', moves('Leroyer', 1, 7)],
  ['a page instead of an answer empties nothing', during([{ kind: 'html' }], 'everywhere', fails)],
  ['the answer to a cancellation is lost', during(LOST_ANSWERS, 'writes', cancels('Imberty', 4))],
  ['the answer to a move is lost', during(LOST_ANSWERS, 'writes', moves('Kleinert', 8, 9))],
  [
    'nothing gets through for a moment',
    during([{ kind: 'rate-limit', retryAfterSeconds: 1, times: 2 }], 'everywhere', fails),
  ],
  [
    'he drags an appointment twice before anybody reads',
    async (day, plan) => {
      await drags(6, 10)(day, plan);
      await drags(10, 11)(day, plan);
    },
  ],
  [
    'he puts one where another one was',
    async (day, plan) => {
      await drags(5, 12)(day, plan);
      await drags(9, 5)(day, plan);
    },
  ],
  [
    'a patient books online, and cancels before anybody reads',
    async (day, plan) => {
      await puts('patient', 13, 'Vite')(day, plan);
      await removes(13, 'patient')(day, plan);
    },
  ],
  ['she books the last one', books('Meyerson', 15)],
  ['the hub reads everything once more', reads('full')],
];

export async function goThrough(day: VendorDay): Promise<Plan> {
  const plan = new Plan();
  for (const [index, [what, act]] of STEPS.entries()) {
    const step = `${String(index + 1)}. ${what}`;
    await act(day, plan).catch((error: unknown) => {
      throw new Error(`${step}: ${error instanceof Error ? error.message : String(error)}`);
    });
    await day.settle();
    await day.readSoon();
    expect({ step, ...(await day.see()) }).toEqual({ step, ...plan.seen(day.ways.shows) });
  }
  return plan;
}
