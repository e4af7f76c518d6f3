import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { RulePreview } from '#application';
import { Answers, CallerParam, Problem, Right, WriteHeaders, type Caller } from '#platform';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { pageById, pageQuery, pageView } from '../shared/paging.js';
import { faultsProblem, RuleDesk } from '../shared/rule-desk.js';
import { outsideVisitView, previewInput, previewView, toChange, viewOutside, viewPreview } from './preview.schemas.js';

const outsideQuery = z.strictObject(pageQuery);
const outsidePage = pageView('OutsideRulesPage', outsideVisitView);

/** What rules do to slots and to what is booked. */
@Controller('v1/agendas')
export class PreviewController {
  constructor(
    private readonly desk: RuleDesk,
    private readonly rules: RulePreview,
  ) {}

  /** What a change of a rule would add and remove, and what it would leave outside the rules. Changes nothing. */
  @Post(':id/preview')
  @HttpCode(200)
  @Right('rule:manage', 'manage-openings', { on: 'agenda' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 200: previewView }, ...WRITE_PROBLEMS, 'not-found')
  async preview(
    @CallerParam() caller: Caller,
    @Param({ schema: idPath }) { id: agendaId }: IdPath,
    @Body({ schema: previewInput }) body: z.output<typeof previewInput>,
  ): Promise<z.input<typeof previewView>> {
    const change = toChange(body, await this.desk.rules(caller, agendaId));
    const { organizationId } = caller;
    const { weeks, motif: motifId = null } = body;
    const result = await this.rules.preview({ organizationId, agendaId }, change, { weeks, motifId });
    if (result.outcome === 'unknown') throw new Problem('not-found');
    if (result.outcome === 'faults') throw faultsProblem(result.faults, 'body');
    return viewPreview(result);
  }

  /** Appointments from now on that stand where the rules would not let them be booked today, and why. */
  @Get(':id/outside-rules')
  @Right('agenda:read', 'see-busy', { on: 'agenda', query: true })
  @Answers({ 200: outsidePage }, 'not-found')
  async outside(
    @CallerParam() { organizationId }: Caller,
    @Param({ schema: idPath }) { id: agendaId }: IdPath,
    @Query({ schema: outsideQuery }) query: z.output<typeof outsideQuery>,
  ): Promise<z.input<typeof outsidePage>> {
    const found = await this.rules.outside({ organizationId, agendaId });
    if (found === null) throw new Problem('not-found');
    const { page, nextCursor } = pageById(
      found.outside.map((one) => ({ id: one.visit.id, one })),
      query,
    );
    return { items: page.map(({ one }) => viewOutside(one, found)), nextCursor };
  }
}
