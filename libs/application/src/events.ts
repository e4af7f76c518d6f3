/** One entry of the organization's ordered log. `cursor` is opaque; passing it back gives what came after. */
export interface EventRecord {
  readonly cursor: string;
  readonly type: string;
  readonly agendaId: string | null;
  readonly subjectId: string | null;
  readonly actor: unknown;
  /** Epoch milliseconds, database clock. */
  readonly at: number;
  /** What changed; never anything about a patient. */
  readonly data: unknown;
}

/** The event log. */
export abstract class Events {
  /**
   * What came after `cursor` (`null` = from the beginning), oldest first. Nothing is ever passed over: an event is shown
   * only when no older one can still appear. Throws RangeError for a cursor that is not one.
   */
  abstract after(query: {
    organizationId: string;
    cursor: string | null;
    limit: number;
  }): Promise<{ readonly events: readonly EventRecord[]; readonly cursor: string | null }>;
  /** The cursor behind the last event there is. */
  abstract latest(organizationId: string): Promise<string | null>;
}
