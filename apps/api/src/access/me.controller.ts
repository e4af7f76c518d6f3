import { Controller, Get, Query } from '@nestjs/common';
import type { z } from 'zod';
import { Access, type Holder, type Rights } from '#application';
import { ACTIONS, localDayOf, type AccessAction, type AgendaPlace } from '#domain';
import { Answers, CallerParam, explainReason, Problem, Right, type Caller } from '#platform';
import { formatInstant } from '../shared/instants.js';
import { askerOf, refused } from './enforcement.js';
import { accessExplanation, explainAccessQuery, permissionsView } from './me.schemas.js';

const ALLOWED = { fr: 'Cette action est permise.', en: 'This action is allowed.' };

/** Rights, as they are explained to people. */
@Controller('v1')
export class MeController {
  constructor(private readonly access: Access) {}

  /** What whoever asks may do now. */
  @Get('me/permissions')
  @Right('agenda:read', 'self')
  @Answers({ 200: permissionsView })
  async permissions(@CallerParam() caller: Caller): Promise<z.input<typeof permissionsView>> {
    const rights = await this.access.rights(askerOf(caller));
    const where = new Map(ACTIONS.map((action) => [action, rights.where(action)]));
    const allowed = (id: string): AccessAction[] =>
      ACTIONS.filter((action) => where.get(action)?.includes(id) !== false);
    const agendas = [...rights.agendas].map((agenda) => ({
      agenda: agenda.id,
      actions: allowed(agenda.id),
      identity: [...rights.identity(agenda, null).fields],
    }));
    return {
      organization: caller.organizationId,
      collaborator: caller.collaboratorId,
      secretariat: caller.secretariatId ?? null,
      at: formatInstant(Math.floor(rights.at), 'UTC'),
      everywhere: ACTIONS.filter((action) => where.get(action) === null),
      agendas: agendas.filter(({ actions }) => actions.length > 0),
      grants: rights.grants.filter(({ state }) => state === 'active').map(({ id }) => id),
    };
  }

  /** Whether an action would be allowed, by which grant, or why not: by the same decision that every request meets. */
  @Get('access/explain')
  @Right('agenda:read', 'self', { query: true })
  @Answers({ 200: accessExplanation }, 'not-found')
  async explain(
    @CallerParam() caller: Caller,
    @Query({ schema: explainAccessQuery }) query: z.output<typeof explainAccessQuery>,
  ): Promise<z.input<typeof accessExplanation>> {
    const { action, agenda: agendaId, motif: motifId = null, collaborator = caller.collaboratorId } = query;
    const asker = askerOf(caller);
    const mine = await this.access.rights(asker);
    const agenda = mine.agenda(agendaId);
    if (agenda === undefined || !mine.knows(agenda)) throw new Problem('not-found');
    const holder = collaborator === caller.collaboratorId ? asker.holder : colleague(mine, agenda, collaborator);
    const { audience = asker.audience, channel = asker.channel, at = mine.at } = query;
    const theirs = await this.access.rights({ ...asker, holder, audience, channel });
    const localDay = localDayOf(at, agenda.timeZone);
    const used = await this.access.store.used(caller.organizationId, action, localDay);
    const decision = theirs.when(at).decide({ action, agenda, motifId, used });
    return decision.allowed
      ? { allowed: true, grant: decision.grantId, perDay: decision.perDay, code: null, messages: ALLOWED }
      : { allowed: false, grant: null, perDay: null, code: decision.reason, messages: explainReason(decision.reason) };
  }
}

/** About somebody else only who manages the grants of the agenda is told. */
function colleague(mine: Rights, agenda: AgendaPlace, id: string | null): Holder {
  const decision = mine.decide({ action: 'manage-grants', agenda, motifId: null });
  if (!decision.allowed) throw refused(decision.reason, 'manage-grants');
  return id === null ? mine.asker.holder : { kind: 'collaborator', id };
}
