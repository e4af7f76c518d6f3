import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { z } from 'zod';
import { Answers, CallerParam, ExchangeParam, Right, WriteHeaders, type Caller, type Exchange } from '#platform';
import { idPath, type IdPath } from '../shared/ids.js';
import { pageQuery } from '../shared/paging.js';
import { CREATE_PROBLEMS, REMOVE_PROBLEMS, REPLACE_PROBLEMS, RuleDesk } from '../shared/rule-desk.js';
import { rulePath, type RulePath } from '../shared/rule-fields.js';
import { reserveInput, reservePage, reserveView, RESERVES, toReserve, type ReserveView } from './reserves.schemas.js';

const reservesQuery = z.strictObject(pageQuery);

@Controller('v1/agendas/:id/reserves')
export class ReservesController {
  constructor(private readonly desk: RuleDesk) {}

  /** Parts of the open time that are kept for some until they are released. */
  @Get()
  @Right('agenda:read', { query: true })
  @Answers({ 200: reservePage }, 'not-found')
  list(
    @CallerParam() caller: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
    @Query({ schema: reservesQuery }) query: z.output<typeof reservesQuery>,
  ): Promise<z.input<typeof reservePage>> {
    return this.desk.list(caller, id, { query, resource: RESERVES });
  }

  /** One reserve. */
  @Get(':item')
  @Right('agenda:read')
  @Answers({ 200: reserveView, 304: null }, 'not-found')
  get(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: rulePath }) place: RulePath,
  ): Promise<ReserveView | undefined> {
    return this.desk.get(exchange, place, RESERVES);
  }

  /** Keeps a part of the open time. */
  @Post()
  @Right('rule:manage')
  @WriteHeaders({ idempotencyKey: 'optional' })
  @Answers({ 201: reserveView }, ...CREATE_PROBLEMS)
  create(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id: agendaId }: IdPath,
    @Body({ schema: reserveInput }) body: z.output<typeof reserveInput>,
  ): Promise<ReserveView> {
    return this.desk.create(exchange, { agendaId, body, rule: ({ timeZone }) => toReserve(body, timeZone) }, RESERVES);
  }

  /** Replaces a reserve. What is booked stays. */
  @Put(':item')
  @Right('rule:manage')
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers({ 200: reserveView }, ...REPLACE_PROBLEMS)
  replace(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: rulePath }) place: RulePath,
    @Body({ schema: reserveInput }) body: z.output<typeof reserveInput>,
  ): Promise<ReserveView> {
    return this.desk.replace(exchange, { ...place, rule: ({ timeZone }) => toReserve(body, timeZone) }, RESERVES);
  }

  /** Frees a reserve for good. */
  @Delete(':item')
  @HttpCode(204)
  @Right('rule:manage')
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers({ 204: null }, ...REMOVE_PROBLEMS)
  remove(@ExchangeParam() exchange: Exchange, @Param({ schema: rulePath }) place: RulePath): Promise<void> {
    return this.desk.remove(exchange, place, 'reserve');
  }
}
