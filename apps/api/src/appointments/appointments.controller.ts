import { Body, Controller, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { AnyOf, Booking, Bookings, newId, Undo, type BookingAnswer } from '#application';
import {
  Answers,
  CallerParam,
  ExchangeParam,
  isNotModified,
  Problem,
  requiredIdempotency,
  requiredVersion,
  Right,
  versionTag,
  WriteHeaders,
  type Caller,
  type Exchange,
} from '#platform';
import { actingAs, termsOf } from '../shared/acting.js';
import { Demand } from '../shared/demand.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { cutPage, decodeCursor } from '../shared/paging.js';
import { BOOKING_PROBLEMS, CANCEL_PROBLEMS, MOVE_PROBLEMS } from './appointment-problems.js';
import { AppointmentAnswers } from './appointment-answers.js';
import {
  appointmentPage,
  appointmentsQuery,
  appointmentView,
  bookInput,
  cancellationOf,
  cancelInput,
  moveInput,
  type AppointmentView,
} from './appointments.schemas.js';

const position = z.tuple([z.int(), z.uuid()]);

@Controller('v1/appointments')
export class AppointmentsController {
  constructor(
    private readonly booking: Booking,
    private readonly anyOf: AnyOf,
    private readonly undoing: Undo,
    private readonly bookings: Bookings,
    private readonly answers: AppointmentAnswers,
    private readonly demand: Demand,
  ) {}

  /** Books: from a hold, directly, or with any one of several practitioners. 201: it stands in the practitioner's agenda. 202: not certain yet. */
  @Post()
  @Right('appointment:write', 'create')
  @WriteHeaders({ idempotencyKey: 'required', prefer: true })
  @Answers({ 201: appointmentView, 202: appointmentView }, ...BOOKING_PROBLEMS, 'hold-ended')
  async book(
    @ExchangeParam() exchange: Exchange,
    @Body({ schema: bookInput }) body: z.output<typeof bookInput>,
  ): Promise<AppointmentView> {
    const { caller, waitMs } = exchange;
    const { organizationId } = caller;
    if ('motif' in body) this.demand.note(organizationId, 'agendas' in body ? body.agendas : [body.agenda]);
    const key = requiredIdempotency(exchange.headers, ['POST /v1/appointments', body]);
    const terms = termsOf(caller, body);
    const request = { organizationId, actor: actingAs(caller), waitMs, key, patient: body.patient, terms };
    return this.answers.give(exchange, await this.placed(request, body), request.patient);
  }

  private placed(
    request: Omit<Parameters<Booking['book']>[0], 'id' | 'agendaId' | 'motifId' | 'start'>,
    body: z.output<typeof bookInput>,
  ): Promise<BookingAnswer> {
    if ('hold' in body) return this.booking.bookHold({ ...request, holdId: body.hold });
    const { motif: motifId, start } = body;
    if ('agendas' in body) return this.anyOf.book({ ...request, motifId, start, agendaIds: body.agendas });
    return this.booking.book({ ...request, id: newId(), agendaId: body.agenda, motifId, start });
  }

  /** Appointments and holds by start, a page at a time. */
  @Get()
  @Right('agenda:read', 'see-busy', { query: true })
  @Answers({ 200: appointmentPage })
  async list(
    @CallerParam() { organizationId }: Caller,
    @Query({ schema: appointmentsQuery }) query: z.output<typeof appointmentsQuery>,
  ): Promise<z.input<typeof appointmentPage>> {
    const { agenda = [], status = [], from = null, to = null, limit, cursor } = query;
    const at = cursor === undefined ? null : decodeCursor(cursor, position);
    const after = at && { start: at[0], id: at[1] };
    const found = await this.bookings.list({
      organizationId,
      agendaIds: agenda,
      statuses: status,
      from,
      to,
      after,
      limit: limit + 1,
    });
    const { page, nextCursor } = cutPage(found, limit, ({ start, id }) => [start, id]);
    return { items: await this.answers.showAll(organizationId, page), nextCursor };
  }

  /** One appointment or hold. */
  @Get(':id')
  @Right('agenda:read', 'see-busy', { on: 'appointment' })
  @Answers({ 200: appointmentView, 304: null }, 'not-found')
  async get(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<AppointmentView | undefined> {
    const { caller, headers, reply } = exchange;
    const record = await this.bookings.get({ organizationId: caller.organizationId, id });
    if (record === null) throw new Problem('not-found');
    if (!isNotModified(headers, record.version)) return this.answers.show(exchange, record);
    void reply.code(304).header('ETag', versionTag(record.version));
    return undefined;
  }

  /** Moves, changes the motif, or reassigns. The old place is kept until the practitioner's agenda has followed. */
  @Patch(':id')
  @Right('appointment:write', 'move', { on: 'appointment' })
  @WriteHeaders({ idempotencyKey: 'none', prefer: true, ifMatch: 'required' })
  @Answers({ 200: appointmentView, 202: appointmentView }, ...MOVE_PROBLEMS)
  async move(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: moveInput }) { start, motif, agenda, overbook }: z.output<typeof moveInput>,
  ): Promise<AppointmentView> {
    const { caller, waitMs } = exchange;
    const version = requiredVersion(exchange.headers);
    const wanted = { version, start: start ?? null, motifId: motif ?? null };
    const terms = termsOf(caller, { overbooking: overbook?.reason });
    const request = { organizationId: caller.organizationId, id, actor: actingAs(caller), waitMs, terms, ...wanted };
    const before = agenda === undefined ? null : await this.bookings.get(request);
    if (agenda === undefined || before?.agendaId === agenda)
      return this.answers.give(exchange, await this.booking.move(request));
    const answer = await this.booking.reassign({ ...request, agendaId: agenda, successorId: newId() });
    return this.answers.give(exchange, answer);
  }

  /** Cancels. Cancelling what is cancelled already succeeds. */
  @Post(':id/cancel')
  @HttpCode(200)
  @Right('appointment:write', 'cancel', { on: 'appointment' })
  @WriteHeaders({ idempotencyKey: 'required', prefer: true, ifMatch: 'optional' })
  @Answers({ 200: appointmentView, 202: appointmentView }, ...CANCEL_PROBLEMS)
  async cancel(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: cancelInput }) body: z.output<typeof cancelInput>,
  ): Promise<AppointmentView> {
    const { caller, headers, waitMs } = exchange;
    const key = requiredIdempotency(headers, [`POST /v1/appointments/${id}/cancel`, body]);
    const version = headers['if-match'] === undefined ? null : requiredVersion(headers);
    const request = { organizationId: caller.organizationId, id, actor: actingAs(caller), waitMs, version, key };
    return this.answers.give(exchange, await this.booking.cancel({ ...request, reason: cancellationOf(body) }));
  }

  /** Takes a cancellation back within five minutes: the answer is a successor where it stood, if that is still free. */
  @Post(':id/undo')
  @Right('appointment:write', 'create', { on: 'appointment' })
  @WriteHeaders({ idempotencyKey: 'required', prefer: true })
  @Answers({ 201: appointmentView, 202: appointmentView }, ...BOOKING_PROBLEMS, 'appointment-busy', 'undo-impossible')
  async undo(@ExchangeParam() exchange: Exchange, @Param({ schema: idPath }) { id }: IdPath): Promise<AppointmentView> {
    const { caller, headers, waitMs } = exchange;
    const key = requiredIdempotency(headers, [`POST /v1/appointments/${id}/undo`]);
    const request = { organizationId: caller.organizationId, actor: actingAs(caller), waitMs, key };
    const answer = await this.undoing.undo({ ...request, id: newId(), replaces: id, terms: termsOf(caller, {}) });
    if (answer.outcome === 'refused' && answer.problem === 'appointment-ended') throw new Problem('undo-impossible');
    return this.answers.give(exchange, answer);
  }
}
