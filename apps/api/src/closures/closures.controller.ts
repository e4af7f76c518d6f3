import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { z } from 'zod';
import { Answers, CallerParam, ExchangeParam, Right, WriteHeaders, type Caller, type Exchange } from '#platform';
import { idPath, type IdPath } from '../shared/ids.js';
import { pageQuery } from '../shared/paging.js';
import { CREATE_PROBLEMS, REMOVE_PROBLEMS, REPLACE_PROBLEMS, RuleDesk } from '../shared/rule-desk.js';
import { rulePath, type RulePath } from '../shared/rule-fields.js';
import { closureInput, closurePage, closureView, CLOSURES, toClosure, type ClosureView } from './closures.schemas.js';

const closuresQuery = z.strictObject(pageQuery);

@Controller('v1/agendas/:id/closures')
export class ClosuresController {
  constructor(private readonly desk: RuleDesk) {}

  /** Leave and other closures, and public holidays. */
  @Get()
  @Right('agenda:read', { query: true })
  @Answers({ 200: closurePage }, 'not-found')
  list(
    @CallerParam() caller: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
    @Query({ schema: closuresQuery }) query: z.output<typeof closuresQuery>,
  ): Promise<z.input<typeof closurePage>> {
    return this.desk.list(caller, id, { query, resource: CLOSURES });
  }

  /** One closure. */
  @Get(':item')
  @Right('agenda:read')
  @Answers({ 200: closureView, 304: null }, 'not-found')
  get(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: rulePath }) place: RulePath,
  ): Promise<ClosureView | undefined> {
    return this.desk.get(exchange, place, CLOSURES);
  }

  /** Closes the agenda for a while: nothing new is booked, what is booked stays. */
  @Post()
  @Right('rule:manage')
  @WriteHeaders({ idempotencyKey: 'optional' })
  @Answers({ 201: closureView }, ...CREATE_PROBLEMS)
  create(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id: agendaId }: IdPath,
    @Body({ schema: closureInput }) body: z.output<typeof closureInput>,
  ): Promise<ClosureView> {
    return this.desk.create(exchange, { agendaId, body, rule: (rules) => toClosure(body, rules) }, CLOSURES);
  }

  /** Replaces a closure. What is booked stays. */
  @Put(':item')
  @Right('rule:manage')
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers({ 200: closureView }, ...REPLACE_PROBLEMS)
  replace(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: rulePath }) place: RulePath,
    @Body({ schema: closureInput }) body: z.output<typeof closureInput>,
  ): Promise<ClosureView> {
    return this.desk.replace(exchange, { ...place, rule: (rules) => toClosure(body, rules) }, CLOSURES);
  }

  /** Opens the agenda again. A public holiday is opened by adding its date to the agenda’s worked holidays. */
  @Delete(':item')
  @HttpCode(204)
  @Right('rule:manage')
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers({ 204: null }, ...REMOVE_PROBLEMS)
  remove(@ExchangeParam() exchange: Exchange, @Param({ schema: rulePath }) place: RulePath): Promise<void> {
    return this.desk.remove(exchange, place, 'closure');
  }
}
