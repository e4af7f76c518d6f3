import { Readable } from 'node:stream';
import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AuditLog } from '#application';
import { actorOf, Answers, callerOf, CallerParam, Problem, Right, type Caller } from '#platform';
import { cutPage, decodeCursor } from '../shared/paging.js';
import { exportText } from './audit-export.js';
import { auditPage, auditQuery, exportQuery, viewEntry } from './audit.schemas.js';

const position = z.tuple([z.int()]);
const TEXT = {
  'text/csv': { schema: { type: 'string' } },
  'application/jsonl': { schema: { type: 'string' } },
} as const;
const TYPES = { csv: 'text/csv; charset=utf-8; header=present', jsonl: 'application/jsonl; charset=utf-8' } as const;

interface Narrowing {
  readonly about?: string | undefined;
  readonly patientOf?: string | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

@Controller('v1/audit')
export class AuditController {
  constructor(private readonly log: AuditLog) {}

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

  /** The same as a file: JSON Lines, or CSV that no spreadsheet runs. Taking it along is on record too. */
  @Get('export')
  @Right('audit:read', 'export', { on: 'organization', query: true })
  @Answers({}, 'not-found')
  @ApiResponse({ status: 200, description: 'The log.', content: TEXT })
  async export(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Query({ schema: exportQuery }) query: z.output<typeof exportQuery>,
  ): Promise<void> {
    const caller = callerOf(request);
    const narrowed = await this.narrowed(caller, query);
    const { organizationId } = caller;
    const actor = actorOf(caller);
    await this.log.note({ organizationId, action: 'audit-exported', entityId: narrowed.subjectId, objects: [], actor });
    void reply.header('Content-Disposition', `attachment; filename="audit.${query.format}"`);
    void reply.type(TYPES[query.format]).send(Readable.from(exportText(this.log, narrowed, query.format)));
  }

  private async narrowed(
    { organizationId }: Caller,
    { about, patientOf, from, to }: Narrowing,
  ): Promise<{ organizationId: string; subjectId: string | null; from: number | null; to: number | null }> {
    const pseudonym = patientOf === undefined ? null : await this.log.pseudonymOf(organizationId, patientOf);
    // Without a birth date nobody is known again: the appointment itself is all there is.
    const subjectId = about ?? pseudonym ?? patientOf ?? null;
    if (patientOf !== undefined && pseudonym === null && !(await this.known(organizationId, patientOf)))
      throw new Problem('not-found');
    return { organizationId, subjectId, from: from ?? null, to: to ?? null };
  }

  private async known(organizationId: string, subjectId: string): Promise<boolean> {
    const [entry] = await this.log.list({ organizationId, subjectId, from: null, to: null, after: 0, limit: 1 });
    return entry !== undefined;
  }
}
