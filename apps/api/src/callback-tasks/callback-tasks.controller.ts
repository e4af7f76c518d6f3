import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Conflicts } from '#application';
import { Answers, CallerParam, Problem, Right, WriteHeaders, type Caller } from '#platform';
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { cutPage, decodeCursor } from '../shared/paging.js';
import { Zones } from '../shared/zones.js';
import { callbackTaskPage, callbackTasksQuery, callbackTaskView, viewCallbackTask } from './callback-tasks.schemas.js';

const position = z.tuple([z.int().min(0).max(1), z.number(), z.uuid()]);

@Controller('v1/callback-tasks')
export class CallbackTasksController {
  constructor(
    private readonly conflicts: Conflicts,
    private readonly zones: Zones,
  ) {}

  /** Patients to be called back, open ones first, oldest first. */
  @Get()
  @Right('agenda:read', 'see-busy', { query: true })
  @Answers({ 200: callbackTaskPage })
  async list(
    @CallerParam() { organizationId }: Caller,
    @Query({ schema: callbackTasksQuery }) query: z.output<typeof callbackTasksQuery>,
  ): Promise<z.input<typeof callbackTaskPage>> {
    const { agenda: agendaIds = [], state = null, limit, cursor } = query;
    const at = cursor === undefined ? null : decodeCursor(cursor, position);
    const after = at && { closed: at[0] === 1, at: at[1], id: at[2] };
    const found = await this.conflicts.callbacks({ organizationId, agendaIds, state, after, limit: limit + 1 });
    const { page, nextCursor } = cutPage(found, limit, ({ doneAt, createdAt, id }) => [
      doneAt === null ? 0 : 1,
      createdAt,
      id,
    ]);
    const zones = await this.zones.ofAll(
      organizationId,
      page.map(({ agendaId }) => agendaId),
    );
    return {
      items: page.map((task) => viewCallbackTask(task, zones.get(task.agendaId) ?? 'UTC')),
      nextCursor,
    };
  }

  /** The patient was called back. Saying so again changes nothing. */
  @Post(':id/done')
  @HttpCode(200)
  @Right('appointment:write', 'move', { on: 'callback-task' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 200: callbackTaskView }, 'collaborator-required', 'collaborator-unknown', 'not-found')
  async done(
    @CallerParam() caller: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<z.input<typeof callbackTaskView>> {
    const { organizationId } = caller;
    const task = await this.conflicts.done(organizationId, id, actingAs(caller));
    if (task === null) throw new Problem('not-found');
    return viewCallbackTask(task, await this.zones.of(organizationId, task.agendaId));
  }
}
