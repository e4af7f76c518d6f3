import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { BusyChanging, newId, type BusyChangeAnswer, type BusyRefusal } from '#application';
import {
  Answers,
  CallerParam,
  ExchangeParam,
  Problem,
  requiredIdempotency,
  requiredVersion,
  Right,
  WriteHeaders,
  type Caller,
  type Exchange,
  type ProblemSlug,
} from '#platform';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { cutPage, decodeCursor } from '../shared/paging.js';
import { Zones } from '../shared/zones.js';
import {
  busyChangeInput,
  busyChangePath,
  busyChangePathOf,
  busyChangeView,
  busyPage,
  busyQuery,
  viewBusy,
  viewBusyChange,
} from './busy.schemas.js';

const position = z.tuple([z.number(), z.uuid()]);

const REFUSALS = {
  taken: 'slot-taken',
  'moved-on': 'stale-version',
  unsupported: 'busy-read-only',
  impossible: 'busy-unchangeable',
  forbidden: 'backend-refused',
} as const satisfies Record<BusyRefusal, ProblemSlug>;

const NOT_ASKED = {
  reused: 'idempotency-key-reused',
  unknown: 'not-found',
  'read-only': 'busy-read-only',
  stale: 'stale-version',
  'under-way': 'busy-change-under-way',
  taken: 'slot-taken',
} as const satisfies Record<Exclude<BusyChangeAnswer['outcome'], 'asked'>, ProblemSlug>;

@Controller('v1/agendas/:id')
export class BusyController {
  constructor(
    private readonly busy: BusyChanging,
    private readonly zones: Zones,
  ) {}

  /** What the practitioner's own agenda takes in a window, instance by instance; never what for. */
  @Get('busy')
  @Right('agenda:read', 'see-busy', { on: 'agenda', query: true })
  @Answers({ 200: busyPage }, 'not-found')
  async list(
    @CallerParam() { organizationId }: Caller,
    @Param({ schema: idPath }) { id: agendaId }: IdPath,
    @Query({ schema: busyQuery }) { from, to, limit, cursor }: z.output<typeof busyQuery>,
  ): Promise<z.input<typeof busyPage>> {
    const [start, objectId] = cursor === undefined ? [] : decodeCursor(cursor, position);
    const after = start === undefined || objectId === undefined ? null : { start, objectId };
    const asked = { organizationId, agendaId, window: { start: from, end: to } };
    const found = await this.busy.store.list({ ...asked, after, limit: limit + 1 });
    const { page, nextCursor } = cutPage(found, limit, (one) => [one.start, one.objectId]);
    const timeZone = await this.zones.of(organizationId, agendaId);
    return { items: page.map((one) => viewBusy(one, timeZone)), nextCursor };
  }

  /**
   * Moves one instance of a series of the practitioner's own, or cancels it; or it and those that follow. 201: it stands so in
   * his agenda. 202: on its way there.
   */
  @Post('busy-changes')
  @Right('rule:manage', 'manage-openings', { on: 'agenda' })
  @WriteHeaders({ idempotencyKey: 'required', prefer: true, ifMatch: 'required' })
  @Answers(
    { 201: busyChangeView, 202: busyChangeView },
    ...WRITE_PROBLEMS,
    ...(['idempotency-key-required', 'precondition-required'] as const),
    ...Object.values(NOT_ASKED),
    ...(['busy-unchangeable', 'backend-refused'] as const),
  )
  async change(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id: agendaId }: IdPath,
    @Body({ schema: busyChangeInput }) body: z.output<typeof busyChangeInput>,
  ): Promise<z.input<typeof busyChangeView>> {
    const { caller, headers, reply, waitMs } = exchange;
    const { organizationId } = caller;
    const { object: objectId, start, end, to, scope } = body;
    const answer = await this.busy.change({
      ...{ organizationId, id: newId(), agendaId, objectId, when: { start, end }, to, waitMs },
      following: scope === 'following',
      version: requiredVersion(headers),
      actor: actingAs(caller),
      key: requiredIdempotency(headers, [`POST /v1/agendas/${agendaId}/busy-changes`, body]),
    });
    if (answer.outcome !== 'asked') throw new Problem(NOT_ASKED[answer.outcome]);
    const { record } = answer;
    if (record.reason !== null) throw new Problem(REFUSALS[record.reason]);
    void reply.code(record.state === 'done' ? 201 : 202).header('Location', busyChangePathOf(record));
    return viewBusyChange(record, await this.zones.of(organizationId, agendaId));
  }

  /** What became of a change. */
  @Get('busy-changes/:change')
  @Right('agenda:read', 'see-busy', { on: 'agenda' })
  @Answers({ 200: busyChangeView }, 'not-found')
  async get(
    @CallerParam() { organizationId }: Caller,
    @Param({ schema: busyChangePath }) { id: agendaId, change: id }: z.output<typeof busyChangePath>,
  ): Promise<z.input<typeof busyChangeView>> {
    const record = await this.busy.store.get({ organizationId, id });
    if (record?.agendaId !== agendaId) throw new Problem('not-found');
    return viewBusyChange(record, await this.zones.of(organizationId, agendaId));
  }
}
