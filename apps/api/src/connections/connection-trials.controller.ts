import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import type { z } from 'zod';
import { ConnectionTrials } from '#application';
import { Answers, CallerParam, Right, WriteHeaders, type Caller } from '#platform';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { connectionProblem } from './connection-problems.js';
import { trialInput, trialView, unkeptTrialInput, viewTrial } from './connection-trials.schemas.js';

@Controller('v1/connections')
export class ConnectionTrialsController {
  constructor(private readonly trials: ConnectionTrials) {}

  /** Tries settings and secrets step by step, and keeps neither. Writes only where it is asked to. */
  @Post('dry-run')
  @HttpCode(200)
  @Right('connection:manage', 'manage-links')
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 200: trialView }, ...WRITE_PROBLEMS)
  async unkept(
    @CallerParam() _caller: Caller,
    @Body({ schema: unkeptTrialInput }) body: z.output<typeof unkeptTrialInput>,
  ): Promise<z.input<typeof trialView>> {
    const { connector: connectorId, settings, secrets, agenda: agendaId, write } = body;
    const tried = await this.trials.unkept({ connectorId, settings, secrets }, { agendaId, write });
    if (tried.outcome !== 'tried') throw connectionProblem(tried);
    return viewTrial(tried.trial);
  }

  /** Tries a connection that is kept, step by step. Writes only where it is asked to. */
  @Post(':id/dry-run')
  @HttpCode(200)
  @Right('connection:manage', 'manage-links', { on: 'connection' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 200: trialView }, ...WRITE_PROBLEMS, 'not-found', 'backend-refused', 'agenda-unreachable')
  async kept(
    @CallerParam() { organizationId }: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: trialInput }) { agenda: agendaId, write }: z.output<typeof trialInput>,
  ): Promise<z.input<typeof trialView>> {
    const tried = await this.trials.kept(organizationId, id, { agendaId, write });
    if (tried.outcome !== 'tried') throw connectionProblem(tried);
    return viewTrial(tried.trial);
  }
}
