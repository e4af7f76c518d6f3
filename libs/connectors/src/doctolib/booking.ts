import { ConnectorError, type CallOptions, type CreateRequest, unproven } from '#connector-sdk';
import type { Interval, RemoteObject } from '#domain';
import type { Client } from './client.js';
import type { Settings } from './config.js';
import type { Directory } from './directory.js';
import { isDeleted, isHold, toRemoteObject } from './mapping.js';
import { readBack } from './proof.js';
import { answered, answersIn, answersOf } from './questions.js';
import { agendasFor } from './slots.js';
import { done, fill, held, lookup, type Agenda, type Appointment } from './schemas.js';

/** A hold lives for five minutes; where its end is not told, less is relied on. */
const SURE_MS = 4 * 60_000;
const APPOINTMENTS = '/partner/v1/appointments';

interface Held {
  readonly id: number;
  /** Until when it is kept; `null` = the vendor does not say. */
  readonly until: number | null;
  /** The appointment, where an earlier attempt had got as far as that. */
  readonly standing: Appointment | null;
}

interface Wanted {
  readonly reference: string;
  readonly when: Interval;
}

interface Place {
  readonly directory: Directory;
  readonly agenda: Agenda;
}

/**
 * Hold, fill, confirm. The vendor knows no idempotency key: what was held or confirmed under the same reference before is
 * looked for between the hold and the confirmation, when nobody else can take the place any more.
 */
export class Booking {
  constructor(
    private readonly client: Client,
    private readonly settings: Settings,
    private readonly now: () => number,
  ) {}

  async create(place: Place, request: CreateRequest, options: CallOptions): Promise<RemoteObject> {
    const { start, end } = request.content;
    const wanted = { reference: request.reference, when: { start, end } };
    const { id: hold, standing: before } = await this.#hold(place, wanted, options);
    if (before !== null) return toRemoteObject(before, null);
    try {
      const rows = await this.rows(place.agenda, request.reference, options);
      const standing = rows.find(isStanding);
      if (standing) {
        await this.#letGo(hold, options);
        return toRemoteObject(standing, null);
      }
      if (rows.some(isDeleted))
        throw new ConnectorError('stale', 'the appointment made under this reference was cancelled');
      // One that stays could still be confirmed by an earlier attempt: this must be certain.
      for (const { id } of rows.filter(isHold)) if (id !== hold) await this.release(id, options);
      await this.#confirm(hold, place, { request, options });
    } catch (error) {
      // Where it may have been confirmed it stays; the vendor lets it go by itself if it was not.
      if (!ConnectorError.is(error) || error.kind !== 'unknown') await this.#letGo(hold, options);
      throw error;
    }
    const row = await readBack(this.client, hold, options);
    if (!isStanding(row)) throw unproven('the appointment was confirmed but does not stand');
    return toRemoteObject(row, null);
  }

  /** Keeps a place for the create that is to follow, and tells until when. */
  async hold(place: Place, wanted: Wanted, options: CallOptions): Promise<{ readonly until: number }> {
    const { id: hold, until, standing } = await this.#hold(place, wanted, options);
    if (standing !== null) throw new ConnectorError('taken', 'the appointment of this reference stands already');
    const rows = await this.rows(place.agenda, wanted.reference, options);
    for (const { id } of rows.filter(isHold)) if (id !== hold) await this.release(id, options);
    return { until: until ?? this.now() + SURE_MS };
  }

  /** All rows under a reference: holds, appointments, cancelled ones. */
  async rows({ id }: Agenda, reference: string, options: CallOptions): Promise<readonly Appointment[]> {
    const query = { agenda_ids: id, partner_reference: reference };
    const { appointments } = await this.client.json(lookup, { method: 'GET', path: APPOINTMENTS, query }, options);
    return appointments.filter((row) => row.partner_reference === reference);
  }

  /** Releases a hold; one that has ended is released. */
  async release(id: number, options: CallOptions): Promise<void> {
    try {
      await this.client.nothing({ method: 'DELETE', path: `${APPOINTMENTS}/${String(id)}` }, options);
    } catch (error) {
      if (!ConnectorError.is(error) || error.kind !== 'not_found') throw error;
    }
  }

  /** A hold on the time that is wanted: a new one, or what an earlier attempt left behind. */
  async #hold({ directory, agenda }: Place, wanted: Wanted, options: CallOptions): Promise<Held> {
    const { start, end } = wanted.when;
    const motif = directory.motif(this.settings.motif);
    directory.requireBookable(agenda, motif);
    const ids = await agendasFor(this.client, { directory, agenda, motif, start, end, now: this.now() }, options);
    const body = {
      agenda_ids: directory.joined(ids),
      practice_ids: agenda.practice_id == null ? [] : [agenda.practice_id],
      appointment: {
        profile_id: directory.profileId,
        source_action: 'partner',
        start_date: new Date(start).toISOString(),
        end_date: new Date(end).toISOString(),
        visit_motive_ids: String(motif.id),
        partner_reference: wanted.reference,
      },
    };
    try {
      const made = await this.client.json(held, { method: 'POST', path: APPOINTMENTS, body }, options);
      return { id: made.id, until: made.expires_at ?? null, standing: null };
    } catch (error) {
      const kept = await this.#leftBehind(error, { agenda, wanted }, options);
      if (kept === null) throw error;
      return kept;
    }
  }

  /** Where the place is taken, or nobody knows: it may be ourselves who took it. */
  async #leftBehind(
    error: unknown,
    { agenda, wanted: { reference, when } }: { agenda: Agenda; wanted: Wanted },
    options: CallOptions,
  ): Promise<Held | null> {
    if (!ConnectorError.is(error) || (error.kind !== 'taken' && error.kind !== 'unknown')) return null;
    const rows = await this.rows(agenda, reference, options).catch((unseen: unknown) => {
      // Whether it is ourselves who took it is not known: nobody may be told that it is gone.
      throw error.kind === 'taken' ? unseen : error;
    });
    const standing = rows.find(isStanding);
    if (standing) return { id: standing.id, until: null, standing };
    const there = rows.find((row) => isHold(row) && row.start_date === when.start && row.end_date === when.end);
    return there ? { id: there.id, until: there.expires_at ?? null, standing: null } : null;
  }

  async #confirm(
    hold: number,
    { directory, agenda }: Place,
    { request: { content }, options }: { request: CreateRequest; options: CallOptions },
  ): Promise<void> {
    const path = `${APPOINTMENTS}/${String(hold)}`;
    const { appointment } = await this.client.json(fill, { method: 'GET', path: `${path}/edit.json` }, options);
    const answers = answered(appointment.custom_fields ?? [], {
      visit: answersOf(content.answers),
      settings: answersIn(this.settings.answers),
    });
    const { newPatients } = directory.restrictions(agenda, directory.motif(this.settings.motif));
    const body = {
      appointment: { title: content.summary, custom_fields_values: answers },
      // The hub keeps this rule of the vendor's, and asks for nobody whom it does not take for known.
      new_patient: newPatients === 'refused' ? false : null,
    };
    try {
      await this.client.json(done, { method: 'PUT', path, body }, options);
    } catch (error) {
      if (ConnectorError.is(error) && error.kind === 'not_found')
        throw new ConnectorError('taken', 'the vendor let the hold go before it was confirmed', { cause: error });
      throw error;
    }
  }

  /** Best effort: what is not released ends after five minutes. */
  async #letGo(hold: number, options: CallOptions): Promise<void> {
    await this.release(hold, options).catch(() => undefined);
  }
}

/** An appointment: neither a hold nor cancelled. */
export function isStanding(row: Appointment): boolean {
  return !isHold(row) && !isDeleted(row);
}
