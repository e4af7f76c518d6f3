import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import type { z } from 'zod';
import { BulkCancellation, BulkStore, newId, type BulkRecord } from '#application';
import {
  Answers,
  badInput,
  CallerParam,
  ExchangeParam,
  Problem,
  requiredIdempotency,
  Right,
  WriteHeaders,
  type Caller,
  type Exchange,
} from '#platform';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { cancellationOf } from '../appointments/appointments.schemas.js';
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { Zones } from '../shared/zones.js';
import { bulkInput, bulkPath, bulkView, viewBulk, viewDryRun, type BulkView } from './bulk-cancellations.schemas.js';

@Controller('v1/bulk-cancellations')
export class BulkCancellationsController {
  constructor(
    private readonly bulk: BulkCancellation,
    private readonly store: BulkStore,
    private readonly zones: Zones,
  ) {}

  /** "The practitioner is ill": a dry run lists whom it concerns, with other times; then those are cancelled one by one. */
  @Post()
  @Right('appointment:write', 'cancel')
  @WriteHeaders({ idempotencyKey: 'required', prefer: true })
  @Answers({ 200: bulkView, 202: bulkView }, ...WRITE_PROBLEMS, 'idempotency-key-required', 'idempotency-key-reused')
  async cancel(
    @ExchangeParam() exchange: Exchange,
    @Body({ schema: bulkInput }) body: z.output<typeof bulkInput>,
  ): Promise<BulkView> {
    const { caller, headers, reply, waitMs } = exchange;
    const { organizationId } = caller;
    const { agendas, appointments } = body;
    const window = { start: body.from, end: body.to };
    const key = requiredIdempotency(headers, ['POST /v1/bulk-cancellations', body]);
    if (appointments === undefined) {
      const affected = await this.bulk.preview(organizationId, agendas, window);
      if (affected === null) throw badInput('body.to', 'leaves too many appointments in the window');
      void reply.code(200);
      return viewDryRun(affected, await this.zones.ofAll(organizationId, agendas));
    }
    const command = { agendaIds: agendas, window, appointmentIds: appointments, actor: actingAs(caller), key };
    const made = await this.bulk.create({ organizationId, id: newId(), reason: cancellationOf(body), ...command });
    if (made === 'reused') throw new Problem('idempotency-key-reused');
    const record = await this.bulk.run({ organizationId, id: made.id }, waitMs);
    if (record === null) throw new Problem('not-found');
    void reply.code(record.state === 'done' ? 200 : 202).header('Location', bulkPath(record.id));
    return this.show(organizationId, record);
  }

  /** How far a bulk cancellation has come. */
  @Get(':id')
  @Right('agenda:read', 'see-busy', { on: 'bulk-cancellation' })
  @Answers({ 200: bulkView }, 'not-found')
  async get(@CallerParam() { organizationId }: Caller, @Param({ schema: idPath }) { id }: IdPath): Promise<BulkView> {
    const record = await this.store.get({ organizationId, id });
    if (record === null) throw new Problem('not-found');
    return this.show(organizationId, record);
  }

  private async show(organizationId: string, record: BulkRecord): Promise<BulkView> {
    const agendas = record.items.map(({ agendaId }) => agendaId);
    return viewBulk(record, await this.zones.ofAll(organizationId, agendas));
  }
}
