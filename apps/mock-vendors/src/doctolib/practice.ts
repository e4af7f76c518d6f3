import { Refusal } from '../core/refusal.js';
import type { Agenda, Client, Motive, Practice, Profile, Seed } from './model.js';
import { HardRefusal } from './refusal.js';

const DEFAULT_QUOTA = 1_200;
const NEW_NUMBERS_FROM = 7_000_000;

/** What a practice has set up: places, motifs, agendas and who may read them. */
export class Setup {
  profile: Profile = { id: 1, slug: 'cabinet', name: 'Cabinet' };
  slotForm: NonNullable<Seed['slots']> = 'text';
  /** Requests per minute. */
  quota = DEFAULT_QUOTA;
  readonly practices = new Map<number, Practice>();
  readonly motives = new Map<number, Motive>();
  readonly clients = new Map<string, Client>();
  /** In the order in which the practice arranged them. */
  readonly #agendas = new Map<string, Agenda>();
  /** Keys of agendas that had a number once; `null`: removed for good. */
  readonly #formerly = new Map<number, string | null>();
  #rotations = 0;

  reset(): void {
    this.profile = { id: 1, slug: 'cabinet', name: 'Cabinet' };
    this.slotForm = 'text';
    this.quota = DEFAULT_QUOTA;
    for (const map of [this.practices, this.motives, this.clients, this.#agendas, this.#formerly]) map.clear();
    this.#rotations = 0;
  }

  seed(seed: Seed): void {
    if (seed.profile) this.profile = seed.profile;
    if (seed.slots) this.slotForm = seed.slots;
    this.quota = seed.quota ?? this.quota;
    for (const one of seed.practices) this.practices.set(one.id, one);
    for (const one of seed.motives) this.motives.set(one.id, one);
    for (const one of seed.clients) this.clients.set(one.id, one);
    for (const one of seed.agendas) if (!this.#agendas.has(one.key)) this.#agendas.set(one.key, one);
  }

  agendas(): readonly Agenda[] {
    return [...this.#agendas.values()];
  }

  agenda(key: string): Agenda {
    const found = this.#agendas.get(key);
    if (!found) throw new Refusal(404, 'agenda_unknown');
    return found;
  }

  zone({ practice_id: id }: Agenda): string {
    return this.practices.get(id)?.zone ?? 'Europe/Paris';
  }

  /** By the number it has now; 410 for one it had before. */
  numbered(id: number): Agenda {
    const found = this.agendas().find((agenda) => agenda.id === id);
    if (found) return found;
    const key = this.#formerly.get(id);
    if (key === undefined) throw new HardRefusal(404, { error: 'agenda_not_found' });
    const successor = key === null ? undefined : this.#agendas.get(key);
    throw new HardRefusal(410, { error: 'agenda_gone', ...(successor ? { successor_id: successor.id } : {}) });
  }

  change(key: string, change: Partial<Agenda>): void {
    this.#agendas.set(key, { ...this.agenda(key), ...change });
  }

  /** The practice was reconfigured: every agenda gets another number, and they come in another order. */
  rotate(): void {
    this.#rotations += 1;
    const turned = this.agendas().map((agenda, n) => {
      this.#formerly.set(agenda.id, agenda.key);
      return { ...agenda, id: NEW_NUMBERS_FROM + this.#rotations * 1000 + n };
    });
    this.#agendas.clear();
    for (const agenda of turned.reverse()) this.#agendas.set(agenda.key, agenda);
  }

  /** The same agendas in another order. */
  rearrange(): void {
    const turned = [...this.#agendas.values()].reverse();
    this.#agendas.clear();
    for (const agenda of turned) this.#agendas.set(agenda.key, agenda);
  }

  /** Gone, without a successor. */
  remove(key: string): void {
    this.#formerly.set(this.agenda(key).id, null);
    this.#agendas.delete(key);
  }

  /** Equipment of the same place that a motif may use, in the order of the practice. */
  equipment({ practice_id: practice }: Agenda, motiveId: number): readonly Agenda[] {
    return this.agendas().filter(
      (one) => one.practitioner_id === null && one.practice_id === practice && one.motives.includes(motiveId),
    );
  }
}
