import { Body, Controller, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { z } from 'zod';
import { Access, Grants, sightOf, type GrantAnswer, type GrantRecord, type Issuer } from '#application';
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
import { askerOf, refused } from '../access/enforcement.js';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { cutPage, decodeCursor } from '../shared/paging.js';
import { Repeats } from '../shared/repeats.js';
import {
  copyInput,
  delegationInput,
  grantInput,
  grantList,
  grantPage,
  grantPath,
  grantsQuery,
  grantTermsInput,
  grantView,
  templateList,
  toTerms,
  viewGrant,
  viewTemplates,
} from './grants.schemas.js';

type View = z.input<typeof grantView>;

const position = z.tuple([z.uuid()]);
const ISSUE = [...WRITE_PROBLEMS, 'unknown-reference', 'idempotency-key-reused', 'idempotency-in-progress'] as const;
const BASED = [...WRITE_PROBLEMS, 'not-found', 'stale-version', 'precondition-required', 'grant-ended'] as const;

@Controller('v1')
export class GrantsController {
  constructor(
    private readonly grants: Grants,
    private readonly access: Access,
    private readonly repeats: Repeats,
  ) {}

  /** Grants as they are usually given, to be filled in and issued. */
  @Get('grant-templates')
  @Right('grant:manage', 'manage-grants')
  @Answers({ 200: templateList })
  templates(): z.input<typeof templateList> {
    return viewTemplates();
  }

  /** Grants of the organization, or of one holder, revoked ones included: those on agendas whose grants the caller manages. */
  @Get('grants')
  @Right('grant:manage', 'manage-grants', { query: true })
  @Answers({ 200: grantPage })
  async list(
    @CallerParam() caller: Caller,
    @Query({ schema: grantsQuery }) { holder, holderKind, limit, cursor }: z.output<typeof grantsQuery>,
  ): Promise<z.input<typeof grantPage>> {
    const after = cursor === undefined ? null : decodeCursor(cursor, position)[0];
    const agendaIds = sightOf()?.agendas ?? null;
    const one = holder === undefined ? null : { kind: holderKind, id: holder };
    const found = await this.grants.list({
      organizationId: caller.organizationId,
      holder: one,
      agendaIds,
      after,
      limit: limit + 1,
    });
    const { page, nextCursor } = cutPage(found, limit, ({ id }) => [id]);
    return { items: page.map(viewGrant), nextCursor };
  }

  /** Issues a grant, on agendas whose grants the caller manages. `proposed`: a second person has to approve it. */
  @Post('grants')
  @Right('grant:manage', 'manage-grants')
  @WriteHeaders({ idempotencyKey: 'optional' })
  @Answers({ 201: grantView }, ...ISSUE)
  issue(
    @ExchangeParam() exchange: Exchange,
    @Body({ schema: grantInput }) body: z.output<typeof grantInput>,
  ): Promise<View> {
    return this.once(exchange, ['POST /v1/grants', body], (issuer) =>
      this.grants.issue(issuer, body.holder, toTerms(body)),
    );
  }

  /** Issues to one what a colleague holds now. */
  @Post('grants/copy')
  @Right('grant:manage', 'manage-grants')
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 201: grantList }, ...WRITE_PROBLEMS, 'unknown-reference')
  async copy(
    @CallerParam() caller: Caller,
    @Body({ schema: copyInput }) { from, to }: z.output<typeof copyInput>,
  ): Promise<z.input<typeof grantList>> {
    const answers = await this.grants.copy(issuerOf(caller), from, to);
    return { items: answers.map((answer) => viewGrant(recordOf(answer))) };
  }

  /** One grant. */
  @Get('grants/:id')
  @Right('grant:manage', 'manage-grants', { on: 'grant' })
  @Answers({ 200: grantView }, 'not-found')
  async get(@ExchangeParam() { caller, reply }: Exchange, @Param({ schema: idPath }) { id }: IdPath): Promise<View> {
    const record = await this.grants.get(caller.organizationId, id);
    if (record === null) throw new Problem('not-found');
    void reply.header('ETag', versionTag(record.version));
    return viewGrant(record);
  }

  /** Replaces what it allows. What widens it may need a second person again. */
  @Put('grants/:id')
  @Right('grant:manage', 'manage-grants', { on: 'grant' })
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers({ 200: grantView }, ...BASED, 'unknown-reference')
  async replace(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: grantTermsInput }) body: z.output<typeof grantTermsInput>,
  ): Promise<View> {
    const change = { terms: toTerms(body), version: requiredVersion(exchange.headers) };
    return this.show(exchange, await this.grants.change(issuerOf(exchange.caller), id, change));
  }

  /** Approves what another person proposed. */
  @Post('grants/:id/approve')
  @HttpCode(200)
  @Right('grant:manage', 'manage-grants', { on: 'grant' })
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers({ 200: grantView }, ...BASED, 'second-person-required')
  async approve(@ExchangeParam() exchange: Exchange, @Param({ schema: idPath }) { id }: IdPath): Promise<View> {
    const answer = await this.grants.approve(issuerOf(exchange.caller), id, requiredVersion(exchange.headers));
    return this.show(exchange, answer);
  }

  /** Withdraws it, and with it what was made from it. Acts within two seconds, on what is under way as well. */
  @Post('grants/:id/revoke')
  @HttpCode(200)
  @Right('grant:manage', 'see-busy', { on: 'grant' })
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers({ 200: grantView }, ...BASED)
  async revoke(@ExchangeParam() exchange: Exchange, @Param({ schema: idPath }) { id }: IdPath): Promise<View> {
    const answer = await this.grants.revoke(issuerOf(exchange.caller), id, requiredVersion(exchange.headers));
    return this.show(exchange, answer);
  }

  /** Passes a grant of one's own on, to a colleague or a team, for overflow or as a replacement. */
  @Post('grants/:id/delegate')
  @Right('agenda:read', 'self')
  @WriteHeaders({ idempotencyKey: 'optional' })
  @Answers({ 201: grantView }, ...ISSUE, 'not-found', 'not-delegable')
  delegate(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: delegationInput }) body: z.output<typeof delegationInput>,
  ): Promise<View> {
    const { holder, kind, ...terms } = body;
    return this.once(exchange, [`POST /v1/grants/${id}/delegate`, body], (issuer) =>
      this.grants.delegate(issuer, id, { holder, kind, terms: toTerms(terms) }),
    );
  }

  private once(
    exchange: Exchange,
    asked: readonly unknown[],
    work: (issuer: Issuer) => Promise<GrantAnswer>,
  ): Promise<View> {
    return this.repeats.once(exchange, asked, async () => {
      const record = recordOf(await work(issuerOf(exchange.caller)));
      this.access.forget(exchange.caller.organizationId);
      void exchange.reply.header('Location', grantPath(record.id)).header('ETag', versionTag(record.version));
      return { status: 201, body: viewGrant(record), resource: record.id };
    });
  }

  private show({ reply }: Exchange, answer: GrantAnswer): View {
    const record = recordOf(answer);
    void reply.header('ETag', versionTag(record.version));
    return viewGrant(record);
  }
}

function issuerOf(caller: Caller): Issuer {
  return { asker: askerOf(caller), actor: actingAs(caller) };
}

const PROBLEMS = {
  unknown: 'not-found',
  stale: 'stale-version',
  'same-person': 'second-person-required',
  ended: 'grant-ended',
  'not-delegable': 'not-delegable',
} as const;
const REFERENCES = { 'unknown-holder': 'body.holder', 'unknown-agenda': 'body.agendas' } as const;

function recordOf(answer: GrantAnswer): GrantRecord {
  const { outcome } = answer;
  if (outcome === 'put') return answer.record;
  if (outcome === 'refused') throw refused(answer.reason, 'manage-grants');
  if (outcome === 'unknown-holder' || outcome === 'unknown-agenda')
    throw new Problem('unknown-reference', { errors: [{ path: REFERENCES[outcome], message: 'does not exist' }] });
  throw new Problem(PROBLEMS[outcome]);
}
