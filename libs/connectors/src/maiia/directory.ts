import type { CallOptions } from '#connector-sdk';
import type { z } from 'zod';
import type { Client } from './client.js';
import { AgendaGone, senseless } from './errors.js';
import { listAll } from './paging.js';
import * as schemas from './schemas.js';

/** How long agendas and motifs are taken for what they were. A motif refused under its name is looked up anew at once. */
const FRESH_MS = 5 * 60_000;

interface Kept<T> {
  readonly at: number;
  readonly items: readonly T[];
}

/** The agendas of the account and their motifs, asked for now and then. */
export class Directory {
  readonly #client: Client;
  readonly #now: () => number;
  #agendas: Kept<schemas.Agenda> | null = null;
  #reasons: Kept<schemas.Reason> | null = null;

  constructor(client: Client, now: () => number) {
    this.#client = client;
    this.#now = now;
  }

  forget(): void {
    this.#agendas = null;
    this.#reasons = null;
  }

  async agendas(options: CallOptions): Promise<readonly schemas.Agenda[]> {
    this.#agendas = this.#fresh(this.#agendas) ?? {
      at: this.#now(),
      items: await this.#list(['agenda-settings'], schemas.agenda, options),
    };
    return this.#agendas.items;
  }

  async agenda(id: string, options: CallOptions): Promise<schemas.Agenda> {
    const found = (await this.agendas(options)).find(({ agendaSettingsId }) => agendaSettingsId === id);
    if (!found) throw new AgendaGone(404);
    return found;
  }

  async reasons(options: CallOptions): Promise<readonly schemas.Reason[]> {
    this.#reasons = this.#fresh(this.#reasons) ?? {
      at: this.#now(),
      items: await this.#list(['consultation-reasons'], schemas.reason, options),
    };
    return this.#reasons.items;
  }

  #fresh<T>(kept: Kept<T> | null): Kept<T> | null {
    return kept !== null && this.#now() - kept.at < FRESH_MS ? kept : null;
  }

  async #list<Schema extends z.ZodType>(
    path: readonly string[],
    schema: Schema,
    options: CallOptions,
  ): Promise<z.output<Schema>[]> {
    const { items } = await listAll(this.#client, { path }, JSON.stringify, options);
    return items.map((item) => {
      const read = schema.safeParse(item);
      if (!read.success) throw senseless(false, 200);
      return read.data;
    });
  }
}
