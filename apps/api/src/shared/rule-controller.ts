import {
  applyDecorators,
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Post,
  Put,
  Query,
  type Type,
} from '@nestjs/common';
import { z } from 'zod';
import type { AgendaRules, RuleKind, RuleTypes } from '#application';
import { Answers, CallerParam, ExchangeParam, Right, WriteHeaders, type Caller, type Exchange } from '#platform';
import { idPath, type IdPath } from './ids.js';
import { pageQuery } from './paging.js';
import { CREATE_PROBLEMS, REMOVE_PROBLEMS, REPLACE_PROBLEMS, RuleDesk, type RuleResource } from './rule-desk.js';
import { rulePath, type RulePath } from './rule-fields.js';

const rulesQuery = z.strictObject(pageQuery);
const Lists = (page: z.ZodType): MethodDecorator =>
  applyDecorators(
    Get(),
    Right('agenda:read', 'see-busy', { on: 'agenda', query: true }),
    Answers({ 200: page }, 'not-found'),
  );
const Shows = (shown: z.ZodType): MethodDecorator =>
  applyDecorators(
    Get(':item'),
    Right('agenda:read', 'see-busy', { on: 'agenda' }),
    Answers({ 200: shown, 304: null }, 'not-found'),
  );
/** A write that is based on a version. */
const Based = (): MethodDecorator =>
  applyDecorators(
    Right('rule:manage', 'manage-openings', { on: 'agenda' }),
    WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' }),
  );

/** A kind of rule as it is read, listed and written. */
interface WrittenRule<K extends RuleKind, Input extends z.ZodType, View extends z.ZodType> extends RuleResource<
  K,
  z.input<View>
> {
  readonly input: Input;
  readonly shown: View;
  readonly page: z.ZodType;
  /** The rule that a request gives; local times are those of the agenda's place. */
  readonly read: (given: z.output<Input>, rules: AgendaRules) => RuleTypes[K];
}

/** `/v1/agendas/{id}/<name>`: a list, and rules that are made, replaced and taken away. What is booked stays. */
export function ruleController<K extends RuleKind, Input extends z.ZodType, View extends z.ZodType>(
  resource: WrittenRule<K, Input, View>,
): Type {
  const { kind, name, input, shown, page, read } = resource;
  type Shown = z.input<View>;

  @Controller(`v1/agendas/:id/${name}`)
  class RuleController {
    constructor(private readonly desk: RuleDesk) {}

    @Lists(page)
    list(
      @CallerParam() caller: Caller,
      @Param({ schema: idPath }) { id }: IdPath,
      @Query({ schema: rulesQuery }) query: z.output<typeof rulesQuery>,
    ): Promise<{ items: Shown[]; nextCursor: string | null }> {
      return this.desk.list(caller, id, { query, resource });
    }

    @Shows(shown)
    get(@ExchangeParam() exchange: Exchange, @Param({ schema: rulePath }) place: RulePath): Promise<Shown | undefined> {
      return this.desk.get(exchange, place, resource);
    }

    @Post()
    @Right('rule:manage', 'manage-openings', { on: 'agenda' })
    @WriteHeaders({ idempotencyKey: 'optional' })
    @Answers({ 201: shown }, ...CREATE_PROBLEMS)
    create(
      @ExchangeParam() exchange: Exchange,
      @Param({ schema: idPath }) { id: agendaId }: IdPath,
      @Body({ schema: input }) body: z.output<Input>,
    ): Promise<Shown> {
      return this.desk.create(exchange, { agendaId, body, rule: (rules) => read(body, rules) }, resource);
    }

    @Put(':item')
    @Based()
    @Answers({ 200: shown }, ...REPLACE_PROBLEMS)
    replace(
      @ExchangeParam() exchange: Exchange,
      @Param({ schema: rulePath }) place: RulePath,
      @Body({ schema: input }) body: z.output<Input>,
    ): Promise<Shown> {
      return this.desk.replace(exchange, { ...place, rule: (rules) => read(body, rules) }, resource);
    }

    @Delete(':item')
    @HttpCode(204)
    @Based()
    @Answers({ 204: null }, ...REMOVE_PROBLEMS)
    remove(@ExchangeParam() exchange: Exchange, @Param({ schema: rulePath }) place: RulePath): Promise<void> {
      return this.desk.remove(exchange, place, kind);
    }
  }

  // Names the operations and their group in the document.
  Object.defineProperty(RuleController, 'name', { value: `${name.charAt(0).toUpperCase()}${name.slice(1)}Controller` });
  return RuleController;
}
