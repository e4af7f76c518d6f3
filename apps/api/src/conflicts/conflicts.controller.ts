import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { ConflictInbox, Conflicts } from '#application';
import {
  Answers,
  CallerParam,
  ExchangeParam,
  isNotModified,
  Problem,
  requiredVersion,
  Right,
  versionTag,
  WriteHeaders,
  type Caller,
  type Exchange,
} from '#platform';
import { AppointmentAnswers } from '../appointments/appointment-answers.js';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { cutPage, decodeCursor } from '../shared/paging.js';
import { Zones } from '../shared/zones.js';
import {
  conflictPage,
  conflictsQuery,
  conflictView,
  resolutionInput,
  resolvedView,
  viewConflict,
} from './conflicts.schemas.js';

const position = z.tuple([z.int().min(0).max(1), z.number(), z.uuid()]);

const REFUSED = {
  unknown: 'not-found',
  stale: 'stale-version',
  ended: 'appointment-ended',
  taken: 'slot-taken',
  impossible: 'choice-impossible',
} as const;

@Controller('v1/conflicts')
export class ConflictsController {
  constructor(
    private readonly conflicts: Conflicts,
    private readonly inbox: ConflictInbox,
    private readonly answers: AppointmentAnswers,
    private readonly zones: Zones,
  ) {}

  /** What waits for a person, open ones first, oldest first. */
  @Get()
  @Right('agenda:read', 'see-busy', { query: true })
  @Answers({ 200: conflictPage })
  async list(
    @CallerParam() { organizationId }: Caller,
    @Query({ schema: conflictsQuery }) query: z.output<typeof conflictsQuery>,
  ): Promise<z.input<typeof conflictPage>> {
    const { agenda: agendaIds = [], state = null, limit, cursor } = query;
    const at = cursor === undefined ? null : decodeCursor(cursor, position);
    const after = at && { closed: at[0] === 1, at: at[1], id: at[2] };
    const found = await this.conflicts.list({ organizationId, agendaIds, state, after, limit: limit + 1 });
    const { page, nextCursor } = cutPage(found, limit, ({ state: is, openedAt, id }) => [
      is === 'open' ? 0 : 1,
      openedAt,
      id,
    ]);
    const zones = await this.zones.ofAll(
      organizationId,
      page.map(({ agendaId }) => agendaId),
    );
    return {
      items: page.map((conflict) => viewConflict(conflict, zones.get(conflict.agendaId) ?? 'UTC')),
      nextCursor,
    };
  }

  /** Both versions, the base, who changed what when, and what each choice would do. */
  @Get(':id')
  @Right('agenda:read', 'see-busy', { on: 'conflict' })
  @Answers({ 200: conflictView, 304: null }, 'not-found')
  async get(
    @ExchangeParam() { caller, headers, reply }: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<z.input<typeof conflictView> | undefined> {
    const view = await this.show(caller.organizationId, id);
    void reply.header('ETag', versionTag(view.version));
    if (!isNotModified(headers, view.version)) return view;
    void reply.code(304);
    return undefined;
  }

  /** Decides, in one transaction. 200: the practitioner's agenda has followed. 202: it is being written. */
  @Post(':id/resolve')
  @HttpCode(200)
  @Right('appointment:write', 'move', { on: 'conflict' })
  @WriteHeaders({ idempotencyKey: 'none', prefer: true, ifMatch: 'required' })
  @Answers(
    { 200: resolvedView, 202: resolvedView },
    ...WRITE_PROBLEMS,
    ...(['not-found', 'stale-version', 'precondition-required', 'appointment-ended'] as const),
    ...(['slot-taken', 'choice-impossible'] as const),
  )
  async resolve(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: resolutionInput }) { reason, ...choice }: z.output<typeof resolutionInput>,
  ): Promise<z.input<typeof resolvedView>> {
    const { caller, headers, waitMs, reply } = exchange;
    const { organizationId } = caller;
    const request = { version: requiredVersion(headers), resolution: { ...choice, text: reason } };
    const ref = { organizationId, id };
    const result = await this.inbox.resolve(ref, { ...request, actor: actingAs(caller), waitMs });
    if (result.outcome !== 'resolved') throw new Problem(REFUSED[result.outcome]);
    const appointment = await this.answers.show(exchange, result.record);
    const conflict = await this.show(organizationId, id);
    void reply.header('ETag', versionTag(conflict.version));
    void reply.code(['pending', 'unknown', 'compensating'].includes(result.record.status) ? 202 : 200);
    return { conflict, appointment };
  }

  private async show(organizationId: string, id: string): Promise<z.input<typeof conflictView>> {
    const conflict = await this.conflicts.get(organizationId, id);
    if (conflict === null) throw new Problem('not-found');
    return viewConflict(conflict, await this.zones.of(organizationId, conflict.agendaId));
  }
}
