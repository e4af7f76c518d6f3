import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { z } from 'zod';
import { Answers, CallerParam, ExchangeParam, Right, WriteHeaders, type Caller, type Exchange } from '#platform';
import { idPath, type IdPath } from '../shared/ids.js';
import { pageQuery } from '../shared/paging.js';
import { CREATE_PROBLEMS, REMOVE_PROBLEMS, REPLACE_PROBLEMS, RuleDesk } from '../shared/rule-desk.js';
import { rulePath, type RulePath } from '../shared/rule-fields.js';
import { openingInput, openingPage, openingView, OPENINGS, toOpening, type OpeningView } from './openings.schemas.js';

const openingsQuery = z.strictObject(pageQuery);

@Controller('v1/agendas/:id/openings')
export class OpeningsController {
  constructor(private readonly desk: RuleDesk) {}

  /** When the agenda can be booked, for what, by whom. */
  @Get()
  @Right('agenda:read', { query: true })
  @Answers({ 200: openingPage }, 'not-found')
  list(
    @CallerParam() caller: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
    @Query({ schema: openingsQuery }) query: z.output<typeof openingsQuery>,
  ): Promise<z.input<typeof openingPage>> {
    return this.desk.list(caller, id, { query, resource: OPENINGS });
  }

  /** One opening. */
  @Get(':item')
  @Right('agenda:read')
  @Answers({ 200: openingView, 304: null }, 'not-found')
  get(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: rulePath }) place: RulePath,
  ): Promise<OpeningView | undefined> {
    return this.desk.get(exchange, place, OPENINGS);
  }

  /** Opens the agenda; search sees it at once. */
  @Post()
  @Right('rule:manage')
  @WriteHeaders({ idempotencyKey: 'optional' })
  @Answers({ 201: openingView }, ...CREATE_PROBLEMS)
  create(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id: agendaId }: IdPath,
    @Body({ schema: openingInput }) body: z.output<typeof openingInput>,
  ): Promise<OpeningView> {
    return this.desk.create(exchange, { agendaId, body, rule: ({ timeZone }) => toOpening(body, timeZone) }, OPENINGS);
  }

  /** Replaces an opening. What is booked stays. */
  @Put(':item')
  @Right('rule:manage')
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers({ 200: openingView }, ...REPLACE_PROBLEMS)
  replace(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: rulePath }) place: RulePath,
    @Body({ schema: openingInput }) body: z.output<typeof openingInput>,
  ): Promise<OpeningView> {
    return this.desk.replace(exchange, { ...place, rule: ({ timeZone }) => toOpening(body, timeZone) }, OPENINGS);
  }

  /** Takes an opening away. What is booked stays. */
  @Delete(':item')
  @HttpCode(204)
  @Right('rule:manage')
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers({ 204: null }, ...REMOVE_PROBLEMS)
  remove(@ExchangeParam() exchange: Exchange, @Param({ schema: rulePath }) place: RulePath): Promise<void> {
    return this.desk.remove(exchange, place, 'opening');
  }
}
