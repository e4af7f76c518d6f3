import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import type { z } from 'zod';
import { newId, SeriesBooking, SeriesStore, type SeriesAnswer } from '#application';
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
import { BOOKING_PROBLEMS, WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { cancellationOf, patientOf } from '../appointments/appointments.schemas.js';
import { toProblem } from '../appointments/refusals.js';
import { actingAs, termsOf } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { Zones } from '../shared/zones.js';
import {
  cancelSeriesInput,
  moveSeriesInput,
  seriesInput,
  seriesPath,
  seriesReport,
  seriesView,
  startsOf,
  viewOccurrence,
  viewReport,
  viewSeries,
} from './series.schemas.js';

type Report = z.input<typeof seriesReport>;

@Controller('v1/series')
export class SeriesController {
  constructor(
    private readonly series: SeriesBooking,
    private readonly store: SeriesStore,
    private readonly zones: Zones,
  ) {}

  /** Books a series. All or nothing: one that conflicts books none, and the answer tells of each. 202: not certain yet. */
  @Post()
  @Right('appointment:write', 'create')
  @WriteHeaders({ idempotencyKey: 'required', prefer: true })
  @Answers({ 201: seriesView, 202: seriesView }, ...BOOKING_PROBLEMS)
  async book(
    @ExchangeParam() exchange: Exchange,
    @Body({ schema: seriesInput }) body: z.output<typeof seriesInput>,
  ): Promise<z.input<typeof seriesView>> {
    const { caller, waitMs } = exchange;
    const { organizationId } = caller;
    const timeZone = await this.zones.of(organizationId, body.agenda);
    const answer = await this.series.book({
      ...{ organizationId, id: newId(), actor: actingAs(caller), waitMs, mode: body.mode },
      ...{ agendaId: body.agenda, motifId: body.motif, starts: startsOf(body, timeZone), patient: patientOf(body) },
      key: requiredIdempotency(exchange.headers, ['POST /v1/series', body]),
      terms: termsOf(caller, { acknowledged: body.acknowledgeDouble }),
    });
    return this.answer(exchange, answer, timeZone);
  }

  /** A series with what has become of each occurrence. */
  @Get(':id')
  @Right('agenda:read', 'see-busy', { on: 'series' })
  @Answers({ 200: seriesView }, 'not-found')
  async get(
    @CallerParam() { organizationId }: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<z.input<typeof seriesView>> {
    const record = await this.store.get(organizationId, id);
    if (record === null) throw new Problem('not-found');
    return viewSeries(record, await this.zones.of(organizationId, record.agendaId));
  }

  /** Moves one visit, or it and those after it, on the wall clock; each by itself, and the answer tells of each. */
  @Post(':id/move')
  @HttpCode(200)
  @Right('appointment:write', 'move', { on: 'series' })
  @WriteHeaders({ idempotencyKey: 'none', prefer: true })
  @Answers({ 200: seriesReport }, ...WRITE_PROBLEMS, 'not-found')
  async move(
    @ExchangeParam() { caller, waitMs }: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: moveSeriesInput }) { appointment, following, start }: z.output<typeof moveSeriesInput>,
  ): Promise<Report> {
    const { organizationId } = caller;
    const timeZone = await this.zoneOf(organizationId, id);
    const asked = { organizationId, id, actor: actingAs(caller), waitMs, appointmentId: appointment, following };
    const answers = await this.series.move({ ...asked, start, timeZone, audience: caller.audience });
    if (answers === null)
      throw new Problem('not-found', { errors: [{ path: 'body.appointment', message: 'is not in it' }] });
    return viewReport(answers, timeZone);
  }

  /** Cancels one visit, it and those after it, or all that are still to come. Again without harm. */
  @Post(':id/cancel')
  @HttpCode(200)
  @Right('appointment:write', 'cancel', { on: 'series' })
  @WriteHeaders({ idempotencyKey: 'none', prefer: true })
  @Answers({ 200: seriesReport }, ...WRITE_PROBLEMS, 'not-found')
  async cancel(
    @ExchangeParam() { caller, waitMs }: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: cancelSeriesInput }) body: z.output<typeof cancelSeriesInput>,
  ): Promise<Report> {
    const { organizationId } = caller;
    const timeZone = await this.zoneOf(organizationId, id);
    const { appointment: appointmentId = null, following } = body;
    const reason = cancellationOf(body);
    const asked = { organizationId, id, actor: actingAs(caller), waitMs, appointmentId, following, reason };
    const answers = await this.series.cancel(asked);
    if (answers === null)
      throw new Problem('not-found', { errors: [{ path: 'body.appointment', message: 'is not in it' }] });
    return viewReport(answers, timeZone);
  }

  private async zoneOf(organizationId: string, id: string): Promise<string> {
    const record = await this.store.get(organizationId, id);
    if (record === null) throw new Problem('not-found');
    return this.zones.of(organizationId, record.agendaId);
  }

  private answer({ reply }: Exchange, answer: SeriesAnswer, timeZone: string): z.input<typeof seriesView> {
    if (answer.outcome === 'refused') throw toProblem(answer.refusal);
    if (answer.outcome === 'conflicts') {
      const { occurrences } = answer;
      const taken = occurrences.some(({ outcome }) => outcome === 'taken');
      const extra = { occurrences: occurrences.map((one) => viewOccurrence(one, timeZone)) };
      throw new Problem(taken ? 'slot-taken' : 'rule-refused', { extra });
    }
    const { record } = answer;
    const extra = { series: viewSeries(record, timeZone) };
    if (record.state === 'undone') throw new Problem('slot-taken', { extra });
    void reply.code(record.state === 'done' ? 201 : 202).header('Location', seriesPath(record.id));
    return extra.series;
  }
}
