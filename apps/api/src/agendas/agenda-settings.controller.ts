import { Body, Controller, Get, Param, Patch } from '@nestjs/common';
import type { z } from 'zod';
import {
  Answers,
  ExchangeParam,
  isNotModified,
  requiredVersion,
  Right,
  versionTag,
  WriteHeaders,
  type Exchange,
} from '#platform';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { RuleDesk } from '../shared/rule-desk.js';
import { settingsChange, settingsView, toSettings, viewSettings } from './agenda-settings.schemas.js';

@Controller('v1/agendas')
export class AgendaSettingsController {
  constructor(private readonly desk: RuleDesk) {}

  /** What holds for the agenda as a whole: seats, public holidays, whether it is bookable at all. */
  @Get(':id')
  @Right('agenda:read', 'see-busy', { on: 'agenda' })
  @Answers({ 200: settingsView, 304: null }, 'not-found')
  async get(
    @ExchangeParam() { caller, headers, reply }: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<z.input<typeof settingsView> | undefined> {
    const rules = await this.desk.rules(caller, id);
    void reply.header('ETag', versionTag(rules.version));
    if (!isNotModified(headers, rules.version)) return viewSettings(rules);
    void reply.code(304);
    return undefined;
  }

  /** Changes some of it. What is booked stays; seats that are taken cannot be taken away. */
  @Patch(':id')
  @Right('rule:manage', 'manage-openings', { on: 'agenda' })
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers(
    { 200: settingsView },
    ...WRITE_PROBLEMS,
    ...(['not-found', 'stale-version', 'precondition-required', 'capacity-in-use'] as const),
  )
  async change(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: settingsChange }) body: z.output<typeof settingsChange>,
  ): Promise<z.input<typeof settingsView>> {
    const version = requiredVersion(exchange.headers);
    const change = { kind: 'agenda', settings: toSettings(body) } as const;
    const { rules } = await this.desk.write(exchange, id, { change, version });
    void exchange.reply.header('ETag', versionTag(rules.version));
    return viewSettings(rules);
  }
}
