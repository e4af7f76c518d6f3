import type { CallOptions, ConnectorContext } from '#connector-sdk';
import type { Client } from './client.js';
import type { Settings } from './config.js';
import { Directory } from './directory.js';
import { AgendaGone, Outdated } from './errors.js';
import { agendaHere, info, type Agenda } from './schemas.js';

/** For so long a booking trusts what was read of the practice; the vendor refuses what has changed since. */
const TRUSTED_MS = 60_000;
/** Reconfigurations in a row that are followed. */
const MOST_MOVES = 5;

/** What is known of the practice behind a profile: read when needed, and read again when it no longer holds. */
export class Practice {
  #directory: Directory | null = null;

  constructor(
    private readonly client: Client,
    private readonly settings: Settings,
    private readonly context: ConnectorContext,
  ) {}

  async read(options: CallOptions): Promise<Directory> {
    const { data } = await this.client.json(
      info,
      {
        method: 'GET',
        path: '/online_booking/api/slot_selection_funnel/v1/info.json',
        query: { profile_slug: this.settings.profile, locale: 'fr' },
      },
      options,
    );
    this.#directory = new Directory(data, this.context.now());
    return this.#directory;
  }

  /**
   * Does something on the agenda that the hub means, under the number it has now. Done once more when it turns out that
   * the practice was reconfigured: this is only said of what was not done.
   */
  async on<Result>(
    agendaId: string,
    options: CallOptions,
    act: (directory: Directory, agenda: Agenda) => Promise<Result>,
  ): Promise<Result> {
    const directory = await this.#recent(options);
    try {
      return await act(directory, await this.#resolve(directory, agendaId, options));
    } catch (error) {
      // What was read a moment ago cannot be out of date: then it is gone.
      if (!(error instanceof Outdated) && !(error instanceof AgendaGone && directory.readAt < this.context.now()))
        throw error;
    }
    const again = await this.read(options);
    return act(again, await this.#resolve(again, agendaId, options));
  }

  async #recent(options: CallOptions): Promise<Directory> {
    const known = this.#directory;
    return known !== null && this.context.now() - known.readAt < TRUSTED_MS ? known : this.read(options);
  }

  async #resolve(directory: Directory, agendaId: string, options: CallOptions): Promise<Agenda> {
    const found = directory.find(agendaId);
    if (found !== null) return found;
    const number = /^agenda-(\d{1,15})$/.exec(agendaId)?.[1];
    if (number === undefined) throw new AgendaGone();
    return directory.numbered(await this.#successor(Number(number), options));
  }

  /** Follows an agenda that is named by a number it had once. */
  async #successor(number: number, options: CallOptions): Promise<number> {
    let at = number;
    for (let moves = 0; moves < MOST_MOVES; moves += 1) {
      try {
        const path = `/partner/v1/agendas/${String(at)}`;
        return (await this.client.json(agendaHere, { method: 'GET', path }, options)).id;
      } catch (error) {
        if (!(error instanceof Outdated) || error.successor === null) throw error;
        at = error.successor;
      }
    }
    throw new AgendaGone();
  }
}
