import { Body, Controller, Get, Param, Post, Put } from '@nestjs/common';
import type { z } from 'zod';
import { Access, newId, People, type TeamRecord } from '#application';
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
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { Repeats } from '../shared/repeats.js';
import {
  collaboratorList,
  ownerInput,
  ownerView,
  teamInput,
  teamList,
  teamView,
  viewCollaborator,
  viewTeam,
} from './people.schemas.js';

const CREATE = [...WRITE_PROBLEMS, 'unknown-reference', 'idempotency-key-reused', 'idempotency-in-progress'] as const;

/** People and their teams. A team's grants are those of its members, so that who is in it concerns every agenda. */
@Controller('v1')
export class TeamsController {
  constructor(
    private readonly people: People,
    private readonly access: Access,
    private readonly repeats: Repeats,
  ) {}

  /** Everybody who acts in the organization, those of secretariats included. */
  @Get('collaborators')
  @Right('grant:manage', 'manage-grants')
  @Answers({ 200: collaboratorList })
  async collaborators(@CallerParam() { organizationId }: Caller): Promise<z.input<typeof collaboratorList>> {
    return { items: (await this.people.collaborators(organizationId)).map(viewCollaborator) };
  }

  /** To whom an agenda belongs: he is told of every change of a right on it. */
  @Put('agendas/:id/owner')
  @Right('grant:manage', 'manage-grants', { on: 'agenda' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 200: ownerView }, ...WRITE_PROBLEMS, 'not-found', 'unknown-reference')
  async owner(
    @CallerParam() caller: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: ownerInput }) { collaborator, email }: z.output<typeof ownerInput>,
  ): Promise<z.input<typeof ownerView>> {
    const owner = { collaboratorId: collaborator, email: email ?? null, actor: actingAs(caller) };
    const set = await this.people.setOwner(caller.organizationId, id, owner);
    if (set === 'unknown') throw new Problem('not-found');
    if (set === 'foreign') throw unknown('body.collaborator');
    return { collaborator };
  }

  /** The teams. */
  @Get('teams')
  @Right('grant:manage', 'manage-grants')
  @Answers({ 200: teamList })
  async teams(@CallerParam() { organizationId }: Caller): Promise<z.input<typeof teamList>> {
    return { items: (await this.people.teams(organizationId)).map(viewTeam) };
  }

  /** Makes a team. */
  @Post('teams')
  @Right('grant:manage', 'manage-grants', { on: 'organization' })
  @WriteHeaders({ idempotencyKey: 'optional' })
  @Answers({ 201: teamView }, ...CREATE)
  make(@ExchangeParam() exchange: Exchange, @Body({ schema: teamInput }) body: z.output<typeof teamInput>) {
    return this.repeats.once(exchange, ['POST /v1/teams', body], async () => {
      const team = await this.put(exchange, { id: newId(), version: null }, body);
      return { status: 201, body: viewTeam(team), resource: team.id };
    });
  }

  /** Renames it, and says who is in it. Who leaves it loses its grants at once. */
  @Put('teams/:id')
  @Right('grant:manage', 'manage-grants', { on: 'organization' })
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers(
    { 200: teamView },
    ...WRITE_PROBLEMS,
    'not-found',
    'unknown-reference',
    'stale-version',
    'precondition-required',
  )
  async replace(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: teamInput }) body: z.output<typeof teamInput>,
  ): Promise<z.input<typeof teamView>> {
    return viewTeam(await this.put(exchange, { id, version: requiredVersion(exchange.headers) }, body));
  }

  private async put(
    { caller, reply }: Exchange,
    { id, version }: { id: string; version: number | null },
    { name, members }: z.output<typeof teamInput>,
  ): Promise<TeamRecord> {
    const change = { version, actor: actingAs(caller) };
    const put = await this.people.putTeam(caller.organizationId, { id, name, memberIds: members }, change);
    this.access.forget(caller.organizationId);
    if (put === 'unknown') throw new Problem('not-found');
    if (put === 'stale') throw new Problem('stale-version');
    if (put === 'foreign') throw unknown('body.members');
    void reply.header('ETag', versionTag(put.version));
    return put;
  }
}

function unknown(path: string): Problem {
  return new Problem('unknown-reference', { errors: [{ path, message: 'does not exist here' }] });
}
