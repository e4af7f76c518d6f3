import { Body, Controller, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import type { z } from 'zod';
import { Access, newId, People } from '#application';
import {
  Answers,
  CallerParam,
  ExchangeParam,
  Problem,
  requiredVersion,
  Right,
  versionTag,
  WriteHeaders,
  type Caller,
  type Exchange,
} from '#platform';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { Repeats } from '../shared/repeats.js';
import {
  collaboratorView,
  mandateChange,
  mandateInput,
  mandateList,
  mandateView,
  sentInput,
  viewCollaborator,
  viewMandate,
} from './people.schemas.js';

type View = z.input<typeof mandateView>;

const CREATE = [...WRITE_PROBLEMS, 'unknown-reference', 'idempotency-key-reused', 'idempotency-in-progress'] as const;
const BASED = [...WRITE_PROBLEMS, 'not-found', 'stale-version', 'precondition-required'] as const;

/** Contracts with secretariats, whose people then act here with `Unisson-Practice`. A mandate alone grants nothing. */
@Controller('v1/mandates')
export class MandatesController {
  constructor(
    private readonly people: People,
    private readonly access: Access,
    private readonly repeats: Repeats,
  ) {}

  /** The mandates of this practice, ended ones included. */
  @Get()
  @Right('grant:manage', 'manage-grants')
  @Answers({ 200: mandateList })
  async list(@CallerParam() { organizationId }: Caller): Promise<z.input<typeof mandateList>> {
    return { items: (await this.people.mandates(organizationId)).map(viewMandate) };
  }

  /** Gives a secretariat a mandate, with a team that its people join; what they may do, grants to that team say. */
  @Post()
  @Right('grant:manage', 'manage-grants', { on: 'organization' })
  @WriteHeaders({ idempotencyKey: 'optional' })
  @Answers({ 201: mandateView }, ...CREATE)
  make(
    @ExchangeParam() exchange: Exchange,
    @Body({ schema: mandateInput }) body: z.output<typeof mandateInput>,
  ): Promise<View> {
    const { caller } = exchange;
    return this.repeats.once(exchange, ['POST /v1/mandates', body], async () => {
      const { secretariat: secretariatId, ...contract } = body;
      const mandate = { id: newId(), teamId: newId(), secretariatId, ...contract };
      const made = await this.people.makeMandate(caller.organizationId, mandate, actingAs(caller));
      if (made === 'unknown' || secretariatId === caller.organizationId)
        throw new Problem('unknown-reference', { errors: [{ path: 'body.secretariat', message: 'does not exist' }] });
      return { status: 201, body: viewMandate(made), resource: made.id };
    });
  }

  /** Gives it another end. */
  @Patch(':id')
  @Right('grant:manage', 'manage-grants', { on: 'organization' })
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers({ 200: mandateView }, ...BASED)
  change(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: mandateChange }) { endsAt }: z.output<typeof mandateChange>,
  ): Promise<View> {
    return this.end(exchange, id, endsAt);
  }

  /** Ends it now: nobody of the secretariat acts here any more, within two seconds. */
  @Post(':id/revoke')
  @HttpCode(200)
  @Right('grant:manage', 'manage-grants', { on: 'organization' })
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers({ 200: mandateView }, ...BASED)
  revoke(@ExchangeParam() exchange: Exchange, @Param({ schema: idPath }) { id }: IdPath): Promise<View> {
    return this.end(exchange, id, 'now');
  }

  /** Names a person whom the secretariat sends. Again: names him anew. */
  @Post(':id/collaborators')
  @Right('grant:manage', 'manage-grants', { on: 'organization' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 201: collaboratorView }, ...WRITE_PROBLEMS, 'not-found')
  async send(
    @CallerParam() caller: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: sentInput }) { collaborator, name }: z.output<typeof sentInput>,
  ): Promise<z.input<typeof collaboratorView>> {
    const who = { id: collaborator, displayName: name, actor: actingAs(caller) };
    const named = await this.people.name(caller.organizationId, id, who);
    this.access.forget(caller.organizationId);
    if (named === 'unknown') throw new Problem('not-found');
    return viewCollaborator(named);
  }

  private async end({ caller, headers, reply }: Exchange, id: string, endsAt: number | 'now'): Promise<View> {
    const change = { endsAt, version: requiredVersion(headers), actor: actingAs(caller) };
    const ended = await this.people.endMandate(caller.organizationId, id, change);
    this.access.forget(caller.organizationId);
    if (ended === 'unknown') throw new Problem('not-found');
    if (ended === 'stale') throw new Problem('stale-version');
    void reply.header('ETag', versionTag(ended.version));
    return viewMandate(ended);
  }
}
