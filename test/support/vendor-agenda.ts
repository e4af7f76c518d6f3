import { controlOf, type Control, type Dumped } from '../contract/simulator-target.js';
import type { VendorRow } from './vendor-rows.js';

/** Who writes there. */
export type VendorHand = 'practitioner' | 'patient';

/** One agenda at a simulated backend, from the side of those who use it there. */
export class VendorAgenda {
  readonly #control: Control;
  readonly #agendaId: string;

  constructor(
    readonly row: VendorRow,
    origin: string,
  ) {
    this.#control = controlOf(origin, row.id);
    this.#agendaId = row.diaryAgendaId ?? row.agendaId;
  }

  async begin(): Promise<void> {
    await this.#control('POST', 'reset');
    await this.#control('POST', 'seed', this.row.seed);
  }

  /** What stands there. */
  async standing(): Promise<Dumped[]> {
    const { entries } = (await this.#control('GET', 'dump')) as unknown as { entries: Dumped[] };
    return entries.filter(({ agendaId, deleted }) => agendaId === this.#agendaId && !deleted);
  }

  /** `force` false: the practitioner does not insist where something stands already. */
  async put(by: VendorHand, entry: { start: number; end: number; title: string }, force?: boolean): Promise<string> {
    const made = (await this.#edit({ action: 'create', by, entry, force })) as { id: string };
    await this.answer();
    return made.id;
  }

  async move(id: string, start: number, end: number, force?: boolean): Promise<void> {
    await this.#edit({ action: 'move', id, start, end, force });
  }

  async remove(id: string, by: VendorHand = 'practitioner'): Promise<void> {
    await this.#edit({ action: 'delete', by, id });
  }

  /** Where somebody has to say yes: he does, to all that wait and that he can take. True when somebody waited. */
  async answer(): Promise<boolean> {
    const { waits } = this.row;
    if (waits === undefined) return false;
    const waiting = (await this.standing()).filter(waits);
    for (const { id } of waiting) {
      const place = { agendaId: this.#agendaId, id };
      const declined = () => this.#control('POST', 'decline', place);
      // Whoever asked may have taken it back meanwhile.
      await this.#control('POST', 'accept', place).catch(() => declined().catch(() => undefined));
    }
    return waiting.length > 0;
  }

  /** From now on each of these happens, everywhere or on the routes that write. */
  async arm(faults: readonly object[], where: 'everywhere' | 'writes' = 'everywhere'): Promise<void> {
    const routed = faults.flatMap((fault) => this.row.writes.map((route) => ({ ...fault, route })));
    await this.#control('POST', 'faults', { faults: where === 'writes' ? routed : faults });
  }

  /** How often something went wrong, which then ends. */
  async disarm(): Promise<number> {
    const { faults } = (await this.#control('GET', 'faults')) as unknown as { faults: { fired: number }[] };
    await this.#control('DELETE', 'faults');
    return faults.reduce((sum, { fired }) => sum + fired, 0);
  }

  async #edit(body: object): Promise<unknown> {
    return (await this.#control('POST', 'edit', { agendaId: this.#agendaId, ...body }))['entry'];
  }
}
