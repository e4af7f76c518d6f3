import type { AppointmentRecord, BookingAnswer, Bookings, Patient } from '#application';
import { versionTag, type Exchange } from '#platform';
import type { Consultants } from '../shared/consultants.js';
import type { Zones } from '../shared/zones.js';
import { appointmentPath, viewAppointment, type AppointmentView } from './appointments.schemas.js';
import { toProblem } from './refusals.js';

/** Turns what the use cases answer into HTTP: status, ETag, Location, body. */
export class AppointmentAnswers {
  constructor(
    private readonly bookings: Bookings,
    private readonly zones: Zones,
    private readonly consultants: Consultants,
  ) {}

  /** `patient`: as the request gave it; absent, it is read. */
  async give(exchange: Exchange, answer: BookingAnswer, patient?: Patient | null): Promise<AppointmentView> {
    if (answer.outcome === 'refused') throw toProblem(answer);
    const { record, status } = answer;
    void exchange.reply.code(status);
    if (status !== 200) void exchange.reply.header('Location', appointmentPath(record.id));
    return this.show(exchange, record, patient);
  }

  async show({ caller, reply }: Exchange, record: AppointmentRecord, given?: Patient | null): Promise<AppointmentView> {
    const { organizationId } = caller;
    void reply.header('ETag', versionTag(record.version));
    const [patient, timeZone, consultant] = await Promise.all([
      given === undefined ? this.patientOf(organizationId, record.id) : given,
      this.zones.of(organizationId, record.agendaId),
      this.consultants.of(organizationId, [record]),
    ]);
    return viewAppointment(record, { timeZone, practitioner: consultant(record) }, patient);
  }

  async showAll(organizationId: string, records: readonly AppointmentRecord[]): Promise<AppointmentView[]> {
    if (records.length === 0) return [];
    const ids = records.map(({ id }) => id);
    const agendaIds = records.map(({ agendaId }) => agendaId);
    const [patients, zones, consultant] = await Promise.all([
      this.bookings.patients(organizationId, ids),
      this.zones.ofAll(organizationId, agendaIds),
      this.consultants.of(organizationId, records),
    ]);
    return records.map((record) =>
      viewAppointment(
        record,
        { timeZone: zones.get(record.agendaId) ?? 'UTC', practitioner: consultant(record) },
        patients.get(record.id) ?? null,
      ),
    );
  }

  private async patientOf(organizationId: string, id: string): Promise<Patient | null> {
    return (await this.bookings.patients(organizationId, [id])).get(id) ?? null;
  }
}
