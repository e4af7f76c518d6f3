import { Readable } from 'node:stream';
import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AuditLog, Exports } from '#application';
import {
  actorOf,
  Answers,
  callerOf,
  CallerParam,
  ExchangeParam,
  Problem,
  Right,
  versionTag,
  WriteHeaders,
  type Caller,
  type Exchange,
} from '#platform';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { exportOf, exportRequestView, FETCHED, viewExportRequest } from '../exports/exports.schemas.js';
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { cutPage, decodeCursor } from '../shared/paging.js';
import { exportText } from './audit-export.js';
import { auditExportInput, auditPage, auditQuery, viewEntry } from './audit.schemas.js';

const position = z.tuple([z.int()]);
const TEXT = {
  'text/csv': { schema: { type: 'string' } },
  'application/jsonl': { schema: { type: 'string' } },
} as const;
const TYPES = { csv: 'text/csv; charset=utf-8; header=present', jsonl: 'application/jsonl; charset=utf-8' } as const;

interface Narrowing {
  readonly about?: string | null | undefined;
  readonly patientOf?: string | null | undefined;
  readonly from?: number | null | undefined;
  readonly to?: number | null | undefined;
}

@Controller('v1/audit')
export class AuditController {
  constructor(
    private readonly log: AuditLog,
    private readonly exports: Exports,
  ) {}

  /** Who did what, oldest first: changes, and readings of who a patient is. What has just happened joins within seconds. */
  @Get()
  @Right('audit:read', 'export', { on: 'organization', query: true })
  @Answers({ 200: auditPage }, 'not-found')
  async list(
    @CallerParam() caller: Caller,
    @Query({ schema: auditQuery }) query: z.output<typeof auditQuery>,
  ): Promise<z.input<typeof auditPage>> {
    const after = query.cursor === undefined ? 0 : decodeCursor(query.cursor, position)[0];
    const narrowed = await this.narrowed(caller, query);
    const found = await this.log.list({ ...narrowed, after, limit: query.limit + 1 });
    const { page, nextCursor } = cutPage(found, query.limit, ({ seq }) => [seq]);
    return { items: page.map(viewEntry), nextCursor };
  }

  /** Asks for the same as a file: JSON Lines, or CSV that no spreadsheet runs. A second person has to approve it. */
  @Post('exports')
  @Right('audit:read', 'export', { on: 'organization' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 201: exportRequestView }, ...WRITE_PROBLEMS, 'not-found')
  async ask(
    @ExchangeParam() { caller, reply }: Exchange,
    @Body({ schema: auditExportInput }) body: z.output<typeof auditExportInput>,
  ): Promise<z.input<typeof exportRequestView>> {
    const { format, about = null, patientOf = null, from = null, to = null } = body;
    await this.narrowed(caller, { about, patientOf, from, to });
    const wanted = { kind: 'audit', format, about, patientOf, from, to } as const;
    const record = await this.exports.ask(caller.organizationId, wanted, actingAs(caller));
    void reply.header('Location', `/v1/exports/${record.id}`).header('ETag', versionTag(record.version));
    return viewExportRequest(record);
  }

  /** The file, for who asked, once it is approved: three times within a day. */
  @Post('exports/:id/fetch')
  @HttpCode(200)
  @Right('audit:read', 'export', { on: 'organization' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({}, ...WRITE_PROBLEMS, ...FETCHED)
  @ApiResponse({ status: 200, description: 'The log.', content: TEXT })
  async fetch(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<void> {
    const caller = callerOf(request);
    const { organizationId } = caller;
    const { wanted } = exportOf(await this.exports.take({ organizationId, id }, 'audit', actingAs(caller)));
    if (wanted.kind !== 'audit') throw new Problem('not-found');
    const narrowed = await this.narrowed(caller, wanted);
    const actor = actorOf(caller);
    await this.log.note({ organizationId, action: 'audit-exported', entityId: narrowed.subjectId, objects: [], actor });
    void reply.header('Content-Disposition', `attachment; filename="audit.${wanted.format}"`);
    void reply.type(TYPES[wanted.format]).send(Readable.from(exportText(this.log, narrowed, wanted.format)));
  }

  private async narrowed(
    { organizationId }: Caller,
    { about = null, patientOf = null, from = null, to = null }: Narrowing,
  ): Promise<{ organizationId: string; subjectId: string | null; from: number | null; to: number | null }> {
    const pseudonym = patientOf === null ? null : await this.log.pseudonymOf(organizationId, patientOf);
    // Without a birth date nobody is known again: the appointment itself is all there is.
    const subjectId = about ?? pseudonym ?? patientOf;
    if (patientOf !== null && pseudonym === null && !(await this.known(organizationId, patientOf)))
      throw new Problem('not-found');
    return { organizationId, subjectId, from, to };
  }

  private async known(organizationId: string, subjectId: string): Promise<boolean> {
    const [entry] = await this.log.list({ organizationId, subjectId, from: null, to: null, after: 0, limit: 1 });
    return entry !== undefined;
  }
}
