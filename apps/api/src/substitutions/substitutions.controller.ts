import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { z } from 'zod';
import { Answers, CallerParam, ExchangeParam, Right, WriteHeaders, type Caller, type Exchange } from '#platform';
import { idPath, type IdPath } from '../shared/ids.js';
import { pageQuery } from '../shared/paging.js';
import { CREATE_PROBLEMS, REMOVE_PROBLEMS, REPLACE_PROBLEMS, RuleDesk } from '../shared/rule-desk.js';
import { rulePath, type RulePath } from '../shared/rule-fields.js';
import {
  substitutionInput,
  substitutionPage,
  substitutionView,
  SUBSTITUTIONS,
  toSubstitution,
  type SubstitutionView,
} from './substitutions.schemas.js';

const substitutionsQuery = z.strictObject(pageQuery);

@Controller('v1/agendas/:id/substitutions')
export class SubstitutionsController {
  constructor(private readonly desk: RuleDesk) {}

  /** Who stands in for the practitioner, and when. */
  @Get()
  @Right('agenda:read', { query: true })
  @Answers({ 200: substitutionPage }, 'not-found')
  list(
    @CallerParam() caller: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
    @Query({ schema: substitutionsQuery }) query: z.output<typeof substitutionsQuery>,
  ): Promise<z.input<typeof substitutionPage>> {
    return this.desk.list(caller, id, { query, resource: SUBSTITUTIONS });
  }

  /** One substitution. */
  @Get(':item')
  @Right('agenda:read')
  @Answers({ 200: substitutionView, 304: null }, 'not-found')
  get(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: rulePath }) place: RulePath,
  ): Promise<SubstitutionView | undefined> {
    return this.desk.get(exchange, place, SUBSTITUTIONS);
  }

  /** Somebody sees the patients in place of the practitioner. */
  @Post()
  @Right('rule:manage')
  @WriteHeaders({ idempotencyKey: 'optional' })
  @Answers({ 201: substitutionView }, ...CREATE_PROBLEMS)
  create(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id: agendaId }: IdPath,
    @Body({ schema: substitutionInput }) body: z.output<typeof substitutionInput>,
  ): Promise<SubstitutionView> {
    return this.desk.create(exchange, { agendaId, body, rule: () => toSubstitution(body) }, SUBSTITUTIONS);
  }

  /** Replaces a substitution. */
  @Put(':item')
  @Right('rule:manage')
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers({ 200: substitutionView }, ...REPLACE_PROBLEMS)
  replace(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: rulePath }) place: RulePath,
    @Body({ schema: substitutionInput }) body: z.output<typeof substitutionInput>,
  ): Promise<SubstitutionView> {
    return this.desk.replace(exchange, { ...place, rule: () => toSubstitution(body) }, SUBSTITUTIONS);
  }

  /** The practitioner consults himself again. */
  @Delete(':item')
  @HttpCode(204)
  @Right('rule:manage')
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers({ 204: null }, ...REMOVE_PROBLEMS)
  remove(@ExchangeParam() exchange: Exchange, @Param({ schema: rulePath }) place: RulePath): Promise<void> {
    return this.desk.remove(exchange, place, 'substitution');
  }
}
