import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { Alarm, LaneRunner, Links, newId, syncLink, type LinkHealth } from '#application';
import {
  Answers,
  badInput,
  CallerParam,
  ExchangeParam,
  Problem,
  Right,
  WriteHeaders,
  type Caller,
  type Exchange,
} from '#platform';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { connectionProblem } from '../connections/connection-problems.js';
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { Repeats } from '../shared/repeats.js';
import { Zones } from '../shared/zones.js';
import { healthView, linkInput, linkView, syncInput, viewHealth, viewLink } from './links.schemas.js';

/** What can be wrong with a new link. */
const REFUSED = {
  taken: () => new Problem('already-exists'),
  removing: () => new Problem('still-disconnecting', { retryAfterMs: 5_000 }),
  'agenda-unknown': () => badInput('body.agenda', 'is not known'),
  'connection-unknown': () => badInput('body.connection', 'is not known'),
  equipment: () => badInput('body.agenda', 'is equipment of another agenda, which claims it together with visits'),
  'remote-agenda-unknown': () => badInput('body.remoteAgenda', 'is not an agenda of this connection'),
  'not-writable': () => badInput('body.direction', 'cannot be two-way: the remote agenda is read-only'),
} as const;

@Controller('v1/links')
export class LinksController {
  constructor(
    private readonly links: Links,
    private readonly lanes: LaneRunner,
    private readonly alarm: Alarm,
    private readonly repeats: Repeats,
    private readonly zones: Zones,
  ) {}

  /** Ties an agenda to an agenda of a connection. A plan of the first synchronisation is made at once, for approval. */
  @Post()
  @Right('connection:manage', 'manage-links')
  @WriteHeaders({ idempotencyKey: 'optional' })
  @Answers(
    { 201: linkView },
    ...WRITE_PROBLEMS,
    ...([
      'already-exists',
      'still-disconnecting',
      'backend-refused',
      'agenda-unreachable',
      'idempotency-key-reused',
      'idempotency-in-progress',
    ] as const),
  )
  async create(
    @ExchangeParam() exchange: Exchange,
    @Body({ schema: linkInput }) body: z.output<typeof linkInput>,
  ): Promise<z.input<typeof linkView>> {
    const { caller } = exchange;
    const { agenda: agendaId, connection: connectionId, remoteAgenda: remoteAgendaId, approve, ...policies } = body;
    return this.repeats.once(exchange, ['POST /v1/links', body], async () => {
      const link = { id: newId(), agendaId, connectionId, remoteAgendaId, ...policies };
      const { organizationId } = caller;
      const made = await this.links.create({ ...link, organizationId, actor: actingAs(caller), approved: approve });
      if (made.outcome === 'failed') throw connectionProblem(made);
      if (made.outcome !== 'linked') throw REFUSED[made.outcome]();
      const phase = approve ? ('reading' as const) : ('planning' as const);
      const stands = { phase, status: 'active' as const, successor: null, manners: null };
      return { status: 201, body: viewLink({ ...link, ...stands, paused: false, version: 1 }), resource: link.id };
    });
  }

  /** How reading and writing are doing, since when, and who can repair it. */
  @Get(':id/health')
  @Right('agenda:read', 'see-busy', { on: 'link' })
  @Answers({ 200: healthView }, 'not-found')
  async health(
    @CallerParam() { organizationId }: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<z.input<typeof healthView>> {
    return this.show(organizationId, await this.known(organizationId, id));
  }

  /** Reads the practitioner's agenda now. 200: done within the time given. 202: under way. */
  @Post(':id/sync')
  @HttpCode(200)
  @Right('connection:manage', 'manage-links', { on: 'link' })
  @WriteHeaders({ idempotencyKey: 'none', prefer: true })
  @Answers({ 200: healthView, 202: healthView }, ...WRITE_PROBLEMS, 'not-found')
  async sync(
    @ExchangeParam() { caller, reply, waitMs }: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: syncInput.prefault({}) }) { full }: z.output<typeof syncInput>,
  ): Promise<z.input<typeof healthView>> {
    const { organizationId } = caller;
    const { agendaId } = await this.known(organizationId, id);
    const run = this.lanes.run({ organizationId, agendaId, sync: full ? 'full' : 'delta' });
    const done = await Promise.race([run.then((outcome) => outcome !== 'busy'), sleep(waitMs, false, { ref: false })]);
    if (!done) await this.alarm.wake(syncLink, { organizationId, linkId: id, full }).catch(() => undefined);
    void reply.code(done ? 200 : 202);
    return this.show(organizationId, await this.known(organizationId, id));
  }

  private async known(organizationId: string, id: string): Promise<LinkHealth> {
    const health = await this.links.health(organizationId, id);
    if (health === null) throw new Problem('not-found');
    return health;
  }

  private async show(organizationId: string, health: LinkHealth): Promise<z.input<typeof healthView>> {
    return viewHealth(health, await this.zones.of(organizationId, health.agendaId));
  }
}
