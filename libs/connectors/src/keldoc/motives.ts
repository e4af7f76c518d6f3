import { ConnectorError, type CallOptions } from '#connector-sdk';
import type { Client } from './client.js';
import { config as schema, type Config } from './schemas.js';

/** How long agendas and motifs are taken for what they were. */
const FRESH_MS = 5 * 60_000;

/** The number of the motif that was asked for by name or number; `null`: there is none, or more than one. */
export function chosen(motives: Config['motives'], asked: string): number | null {
  const byNumber = motives.find(({ id }) => String(id) === asked);
  if (byNumber) return byNumber.id;
  const exact = motives.filter(({ name }) => name === asked);
  const matches = exact.length > 0 ? exact : motives.filter(({ name }) => folded(name) === folded(asked));
  return matches.length === 1 ? (matches[0]?.id ?? null) : null;
}

function folded(name: string): string {
  return name.normalize('NFC').replace(/\s+/gu, ' ').trim().toLocaleLowerCase('fr');
}

/** The motif of the connection among those of the account, and the account's agendas. */
export class Motives {
  #kept: { readonly at: number; readonly config: Config } | null = null;

  constructor(
    private readonly asked: string,
    private readonly client: Client,
    private readonly now: () => number,
  ) {}

  forget(): void {
    this.#kept = null;
  }

  async config(options: CallOptions): Promise<Config> {
    if (this.#kept !== null && this.now() - this.#kept.at < FRESH_MS) return this.#kept.config;
    const config = await this.client.json(schema, { method: 'GET', path: ['config'] }, options);
    this.#kept = { at: this.now(), config };
    return config;
  }

  async id(options: CallOptions): Promise<number | null> {
    return chosen((await this.config(options)).motives, this.asked);
  }

  /** Throws `invalid` when there is none. */
  async required(options: CallOptions): Promise<number> {
    const id = await this.id(options);
    if (id === null)
      throw new ConnectorError(
        'invalid',
        'not exactly one motif of the account has the name entered in the settings: enter its number',
      );
    return id;
  }
}
