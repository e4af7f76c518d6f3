import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Access, Exports, type ExportVerdict } from '#application';
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
import { maySeePatients } from '../access/enforcement.js';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { cutPage, decodeCursor } from '../shared/paging.js';
import {
  exportOf,
  exportRequestPage,
  exportRequestView,
  exportsQuery,
  refusalInput,
  viewExportRequest,
} from './exports.schemas.js';

type View = z.input<typeof exportRequestView>;

const position = z.tuple([z.uuid()]);
const DECIDED = [
  ...WRITE_PROBLEMS,
  ...(['not-found', 'stale-version', 'precondition-required', 'export-ended', 'second-person-required'] as const),
] as const;

/** Exports that were asked for: seen, approved and refused by whoever might have asked for them. */
@Controller('v1/exports')
export class ExportsController {
  constructor(
    private readonly exports: Exports,
    private readonly access: Access,
  ) {}

  /** What was asked for, by whom, and what became of it. */
  @Get()
  @Right('agenda:read', 'export', { on: 'organization', query: true })
  @Answers({ 200: exportRequestPage })
  async list(
    @CallerParam() { organizationId }: Caller,
    @Query({ schema: exportsQuery }) { limit, cursor }: z.output<typeof exportsQuery>,
  ): Promise<z.input<typeof exportRequestPage>> {
    const after = cursor === undefined ? null : decodeCursor(cursor, position)[0];
    const found = await this.exports.store.list(organizationId, { after, limit: limit + 1 });
    const { page, nextCursor } = cutPage(found, limit, ({ id }) => [id]);
    return { items: page.map(viewExportRequest), nextCursor };
  }

  /** One of them. */
  @Get(':id')
  @Right('agenda:read', 'export', { on: 'organization' })
  @Answers({ 200: exportRequestView }, 'not-found')
  async get(@ExchangeParam() { caller, reply }: Exchange, @Param({ schema: idPath }) { id }: IdPath): Promise<View> {
    const record = await this.exports.store.get({ organizationId: caller.organizationId, id });
    if (record === null) throw new Problem('not-found');
    void reply.header('ETag', versionTag(record.version));
    return viewExportRequest(record);
  }

  /** Approves what another person asked for: he may fetch it then. */
  @Post(':id/approve')
  @HttpCode(200)
  @Right('grant:manage', 'export', { on: 'organization' })
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers({ 200: exportRequestView }, ...DECIDED)
  approve(@ExchangeParam() exchange: Exchange, @Param({ schema: idPath }) { id }: IdPath): Promise<View> {
    return this.decide(exchange, id, { approved: true });
  }

  /** Refuses it, and says why. */
  @Post(':id/refuse')
  @HttpCode(200)
  @Right('grant:manage', 'export', { on: 'organization' })
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers({ 200: exportRequestView }, ...DECIDED)
  refuse(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: refusalInput }) { reason }: z.output<typeof refusalInput>,
  ): Promise<View> {
    return this.decide(exchange, id, { approved: false, reason });
  }

  private async decide({ caller, headers, reply }: Exchange, id: string, verdict: ExportVerdict): Promise<View> {
    const key = { organizationId: caller.organizationId, id };
    const version = requiredVersion(headers);
    const before = await this.exports.store.get(key);
    // Nobody lets out what he may not see himself.
    if (verdict.approved && before?.wanted.kind === 'patient') await maySeePatients(this.access, caller);
    const record = exportOf(await this.exports.decide(key, { verdict, version, actor: actingAs(caller) }));
    void reply.header('ETag', versionTag(record.version));
    return viewExportRequest(record);
  }
}
