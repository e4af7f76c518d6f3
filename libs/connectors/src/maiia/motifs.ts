import { ConnectorError, type CallOptions } from '#connector-sdk';
import type { Directory } from './directory.js';
import type { Reason } from './schemas.js';
import type { SharedState } from './shared-state.js';

/** One name however it is typed: composed letters, single spaces, none around. */
export function folded(name: string): string {
  return name.normalize('NFC').replace(/\s+/gu, ' ').trim();
}

/** What was asked for, as it is called by now. */
export interface Motif extends Reason {
  /** False: it has been renamed since it was chosen. */
  readonly asAsked: boolean;
}

/**
 * The motif among those of one agenda: by the id it had when it was chosen, else by what was asked for, a name or an id.
 * Throws `invalid` when two are called alike, and no letter tells them apart.
 */
export function chosen(reasons: readonly Reason[], asked: string, rememberedId: string | null): Motif | null {
  const same = (one: Reason): boolean => one.id === asked || folded(one.name) === folded(asked);
  const remembered = reasons.find(({ id }) => id === rememberedId);
  if (remembered) return { ...remembered, asAsked: same(remembered) };
  const matches = reasons.filter(same);
  const exact = matches.filter(({ id, name }) => id === asked || name === asked);
  const [first, second] = exact.length > 0 ? exact : matches;
  if (second)
    throw new ConnectorError('invalid', 'two motifs of this agenda have that name: enter the id of one of them');
  return first ? { ...first, asAsked: true } : null;
}

/** The motif of the connection, found by name once, and remembered by its id: names change, and the vendor books by name. */
export class Motifs {
  readonly #asked: string;
  readonly #directory: Directory;
  readonly #state: SharedState;

  constructor(asked: string, directory: Directory, state: SharedState) {
    this.#asked = asked;
    this.#directory = directory;
    this.#state = state;
  }

  /** `null`: there is none on this agenda. */
  async on(agendaId: string, options: CallOptions): Promise<Motif | null> {
    const reasons = await this.#directory.reasons(options);
    const { motifs } = await this.#state.read();
    const kept = motifs[agendaId];
    const remembered = kept?.asked === this.#asked ? kept.id : null;
    const here = reasons.filter(({ agendaSettingsIds }) => agendaSettingsIds.includes(agendaId));
    const motif = chosen(here, this.#asked, remembered);
    if (motif !== null && motif.id !== remembered) await this.#remember(agendaId, motif.id);
    return motif;
  }

  /** Throws `invalid` when there is none on this agenda. */
  async required(agendaId: string, options: CallOptions): Promise<Motif> {
    const motif = await this.on(agendaId, options);
    if (motif === null)
      throw new ConnectorError(
        'invalid',
        'no motif of this agenda has the name or id entered in the settings: correct it',
      );
    return motif;
  }

  async #remember(agendaId: string, id: string): Promise<void> {
    const entry = { asked: this.#asked, id };
    // A memory that cannot be stored is a comfort missed: the name as entered is still there.
    await this.#state
      .update((state) => ({ ...state, motifs: { ...state.motifs, [agendaId]: entry } }))
      .catch(() => undefined);
  }
}
