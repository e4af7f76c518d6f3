import { Body, Controller, Delete, HttpCode, Param, Post } from '@nestjs/common';
import type { z } from 'zod';
import { Booking, Bookings, DeskStore, newId } from '#application';
import {
  Answers,
  CallerParam,
  ExchangeParam,
  Problem,
  requiredIdempotency,
  Right,
  WriteHeaders,
  type Caller,
  type Exchange,
} from '#platform';
import { AppointmentAnswers } from '../appointments/appointment-answers.js';
import { BOOKING_PROBLEMS, WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { appointmentView, type AppointmentView } from '../appointments/appointments.schemas.js';
import { actingAs, termsOf } from '../shared/acting.js';
import { Demand } from '../shared/demand.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { holdInput, renewInput } from './holds.schemas.js';

@Controller('v1/holds')
export class HoldsController {
  constructor(
    private readonly booking: Booking,
    private readonly bookings: Bookings,
    private readonly desk: DeskStore,
    private readonly answers: AppointmentAnswers,
    private readonly demand: Demand,
  ) {}

  /** Keeps a slot while the patient is on the phone; it ends by itself. */
  @Post()
  @Right('appointment:write', 'create')
  @WriteHeaders({ idempotencyKey: 'required', prefer: true })
  @Answers({ 201: appointmentView }, ...BOOKING_PROBLEMS)
  async place(
    @ExchangeParam() exchange: Exchange,
    @Body({ schema: holdInput }) body: z.output<typeof holdInput>,
  ): Promise<AppointmentView> {
    const { caller, waitMs } = exchange;
    const { agenda, motif, start, seconds, newPatient } = body;
    this.demand.note(caller.organizationId, [agenda]);
    const key = requiredIdempotency(exchange.headers, ['POST /v1/holds', body]);
    const place = { id: newId(), agendaId: agenda, motifId: motif, start, holdSeconds: seconds };
    const answer = await this.booking.hold({
      organizationId: caller.organizationId,
      actor: actingAs(caller),
      waitMs,
      key,
      terms: termsOf(caller, { newPatient }),
      ...place,
    });
    return this.answers.give(exchange, answer, null);
  }

  /** Keeps a hold longer, counted from now: three times at most, and 30 minutes in all. It ends by itself all the same. */
  @Post(':id/renew')
  @HttpCode(200)
  @Right('appointment:write', 'create', { on: 'appointment' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 200: appointmentView }, ...WRITE_PROBLEMS, 'not-found', 'hold-ended', 'renewal-limit')
  async renew(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: renewInput }) { seconds }: z.output<typeof renewInput>,
  ): Promise<AppointmentView> {
    const { caller } = exchange;
    const renewed = await this.desk.renewHold({ organizationId: caller.organizationId, id }, seconds, actingAs(caller));
    if (renewed.outcome === 'unknown') throw new Problem('not-found');
    if (renewed.outcome === 'hold-ended') throw new Problem('hold-ended', { code: 'HOLD_ENDED' });
    const { record } = renewed;
    if (renewed.outcome === 'limit') {
      const { holdUntil, renewalsLeft } = await this.answers.show(exchange, record, null);
      throw new Problem('renewal-limit', { extra: { holdUntil, renewalsLeft } });
    }
    return this.answers.show(exchange, record, null);
  }

  /** Gives a hold back. Giving back one that has ended succeeds. */
  @Delete(':id')
  @HttpCode(204)
  @Right('appointment:write', 'create', { on: 'appointment' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 204: null }, 'collaborator-required', 'collaborator-unknown', 'not-found', 'hold-ended')
  async release(@CallerParam() caller: Caller, @Param({ schema: idPath }) { id }: IdPath): Promise<void> {
    const ref = { organizationId: caller.organizationId, id };
    if (await this.booking.release(ref, actingAs(caller))) return;
    const record = await this.bookings.get(ref);
    if (record === null) throw new Problem('not-found');
    if (record.status !== 'expired') throw new Problem('hold-ended', { code: 'HOLD_ENDED' });
  }
}
