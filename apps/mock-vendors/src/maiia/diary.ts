import type { Diary, DiaryAgenda, DiaryChange, DiaryEntry, Dump, Hand, NewDiaryEntry } from '../core/diary.js';
import { parsed, Refusal } from '../core/refusal.js';
import { seedInput, type Appointment } from './model.js';
import type { MaiiaStore } from './store.js';
import type { Throttle } from './throttle.js';

/** The vendor's words for what the practitioner's page understands. */
const UNDERSTOOD: Readonly<Record<string, string>> = {
  SLOT_TAKEN: 'overlap',
  AGENDA_UNKNOWN: 'agenda_unknown',
  APPOINTMENT_UNKNOWN: 'entry_unknown',
  APPOINTMENT_CANCELLED: 'entry_unknown',
};

/** The store as the practitioner and online patients see it. Only he may overlap. */
export class MaiiaDiary implements Diary {
  constructor(
    private readonly store: MaiiaStore,
    private readonly throttle: Throttle,
  ) {}

  agendas(): readonly DiaryAgenda[] {
    return this.store.agendas().map(({ id, name, zone }) => ({ id, name, zone }));
  }

  entries(agendaId: string): readonly DiaryEntry[] {
    return inItsWords(() => this.store.living(this.store.agenda(agendaId).id).map(shown));
  }

  put(by: Hand, agendaId: string, { start, end, title, force = false }: NewDiaryEntry): DiaryEntry {
    const insists = force && by === 'practitioner';
    return inItsWords(() => shown(this.store.create(by, { agendaId, start, end, title, force: insists })));
  }

  move(by: Hand, agendaId: string, id: string, { force = false, ...to }: DiaryChange): DiaryEntry {
    const insists = force && by === 'practitioner';
    return inItsWords(() => shown(this.store.change(this.#living(agendaId, id), to, insists)));
  }

  remove(_by: Hand, agendaId: string, id: string): void {
    inItsWords(() => this.store.cancel(this.#living(agendaId, id)));
  }

  reset(): void {
    this.store.reset();
    this.throttle.reset();
  }

  seed(input: unknown): void {
    const { keys, agendas, reasons, entries, requestsPerMinute } = parsed(seedInput, input);
    const before = new Set(this.store.agendas().map(({ id }) => id));
    for (const key of keys) this.store.putKey(key);
    for (const agenda of agendas) this.store.putAgenda(agenda);
    for (const reason of reasons) this.store.putReason(reason);
    // Seeding twice must not double the entries of an agenda that is already there.
    for (const { by, ...entry } of entries.filter(({ agendaId }) => !before.has(agendaId)))
      this.store.create(by, { ...entry, force: true });
    if (requestsPerMinute !== undefined) this.throttle.reset(requestsPerMinute);
  }

  dump(): Dump {
    return {
      entries: this.store.appointments().map((one) => ({ ...shown(one), ...details(one) })),
      agendas: this.store.agendas(),
      reasons: this.store.reasons(),
      slotGeneration: this.store.generation,
    };
  }

  #living(agendaId: string, id: string): Appointment {
    const found = this.store.appointment(id);
    if (found.agendaId !== agendaId || found.status === 'CANCELLED') throw new Refusal(404, 'APPOINTMENT_UNKNOWN');
    return found;
  }
}

function shown({ id, agendaId, start, end, title, by, updatedAt }: Appointment): DiaryEntry {
  return { id, agendaId, start, end, title, by, version: updatedAt };
}

function details({ status, type, externalId, consultationReasonId }: Appointment): { deleted: boolean } {
  return { deleted: status === 'CANCELLED', ...{ status, type, externalId, consultationReasonId } };
}

function inItsWords<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal(
      error.code === 'APPOINTMENT_CANCELLED' ? 404 : error.status,
      UNDERSTOOD[error.code] ?? error.code,
    );
  }
}
