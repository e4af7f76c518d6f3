/** Notes which agendas people ask for, so that these are polled often. */
export abstract class Interest {
  /** These agendas were searched, held or booked just now: a quiet one is read again within seconds. */
  abstract wanted(organizationId: string, agendaIds: readonly string[]): Promise<void>;
}
