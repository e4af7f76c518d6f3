import { randomUUID } from 'node:crypto';
import type { Diary, DiaryAgenda, DiaryChange, DiaryEntry, DumpedEntry, Hand, NewDiaryEntry } from '../core/diary.js';
import { parsed, Refusal } from '../core/refusal.js';
import {
  seedInput,
  type Absence,
  type Agent,
  type Endpoint,
  type Happening,
  type Organisation,
  type Rdv,
  type Status,
} from './model.js';
import { dayOf, instantOf, timeOf, ZONE } from './paris.js';

/** What an absence is made of, as the API takes it. */
export type AbsenceInput = Pick<Absence, 'title' | 'firstDay' | 'startTime' | 'endDay' | 'endTime'>;

const FREEING: ReadonlySet<Status> = new Set(['excused', 'revoked']);

/** Organisations, agents, their absences and rendez-vous. Every method is one atomic step. */
export class RdvStore implements Diary {
  readonly organisations = new Map<number, Organisation>();
  readonly agents = new Map<number, Agent>();
  readonly absences = new Map<number, Absence>();
  readonly rdvs = new Map<number, Rdv>();
  readonly endpoints = new Map<number, Endpoint>();
  #lastId = 0;
  /** Called after each committed change. */
  onChange: (happening: Happening) => void = () => undefined;

  agendas(): readonly DiaryAgenda[] {
    return [...this.agents.values()]
      .filter(({ secretary }) => !secretary)
      .map(({ id, firstName, lastName }) => ({ id: String(id), name: `${firstName} ${lastName}`, zone: ZONE }));
  }

  entries(agendaId: string): readonly DiaryEntry[] {
    return this.#all().filter((entry) => entry.agendaId === agendaId && !entry.deleted);
  }

  /** The practitioner notes absences; an online patient books a rendez-vous, where the time is free. */
  put(by: Hand, agendaId: string, { start, end, title, force = false }: NewDiaryEntry): DiaryEntry {
    const { id: agentId } = this.agent(agendaId);
    if (!force) this.#refuseOverlap(agendaId, start, end);
    if (by === 'patient') return entryOfRdv(this.book(agentId, { start, end, motif: title, by }));
    return entryOfAbsence(this.addAbsence(agentId, inputOf({ start, end, title }), by));
  }

  move(by: Hand, agendaId: string, id: string, to: DiaryChange): DiaryEntry {
    const known = this.#entry(agendaId, id);
    const { start = known.start, end = known.end, title = known.title, force = by === 'practitioner' } = to;
    if (!force) this.#refuseOverlap(agendaId, start, end, id);
    const rdv = this.rdvs.get(numberOf(id, 'rdv'));
    if (rdv) return entryOfRdv(this.#commitRdv({ ...rdv, start, end, motif: title }, 'updated'));
    return entryOfAbsence(this.changeAbsence(numberOf(id, 'absence'), inputOf({ start, end, title })));
  }

  /** A patient excuses himself and an agent revokes: the rendez-vous stays in the database. An absence is gone. */
  remove(by: Hand, agendaId: string, id: string): void {
    this.#entry(agendaId, id);
    const rdv = this.rdvs.get(numberOf(id, 'rdv'));
    if (rdv) this.setStatus(rdv.id, by === 'patient' ? 'excused' : 'revoked');
    else this.removeAbsence(numberOf(id, 'absence'));
  }

  reset(): void {
    for (const kept of [this.organisations, this.agents, this.absences, this.rdvs, this.endpoints]) kept.clear();
    this.#lastId = 0;
  }

  seed(input: unknown): void {
    const { organisations, agents, entries } = parsed(seedInput, input);
    const before = new Set(this.agents.keys());
    for (const organisation of organisations) this.organisations.set(organisation.id, organisation);
    for (const agent of agents) this.agents.set(agent.id, agent);
    for (const { agentId, kind, start, end, title } of entries) {
      if (before.has(agentId)) continue;
      this.put(kind === 'rdv' ? 'patient' : 'practitioner', String(agentId), { start, end, title, force: true });
    }
  }

  dump(): { readonly entries: readonly DumpedEntry[]; readonly [part: string]: unknown } {
    const endpoints = [...this.endpoints.values()].map(({ secret: _secret, ...shown }) => shown);
    return {
      entries: this.#all(),
      organisations: [...this.organisations.values()],
      agendas: this.agendas(),
      endpoints,
    };
  }

  agent(id: number | string): Agent {
    const agent = this.agents.get(Number(id));
    if (!agent) throw new Refusal(404, 'agenda_unknown');
    return agent;
  }

  addAbsence(agentId: number, input: AbsenceInput, by: Hand, rrule: string | null = null): Absence {
    const owner = by === 'api' ? 'api' : 'practitioner';
    const absence: Absence = { ...input, id: this.nextId(), agentId, rrule, by: owner, deleted: false };
    return this.#commitAbsence(absence, 'created');
  }

  changeAbsence(id: number, change: Partial<AbsenceInput>): Absence {
    return this.#commitAbsence({ ...this.#absence(id), ...change }, 'updated');
  }

  removeAbsence(id: number): void {
    this.#commitAbsence({ ...this.#absence(id), deleted: true }, 'destroyed');
  }

  book(agentId: number, { start, end, motif, by }: { start: number; end: number; motif: string; by: Rdv['by'] }): Rdv {
    const organisationId = this.agent(agentId).organisationIds[0] ?? 0;
    const known = { id: this.nextId(), uuid: randomUUID(), agentId, organisationId };
    return this.#commitRdv(
      { ...known, start, end, motif, by, status: 'unknown', broken: false, deleted: false },
      'created',
    );
  }

  setStatus(id: number, status: Status): Rdv {
    return this.#commitRdv({ ...this.#rdv(id), status }, 'updated');
  }

  breakRdv(id: number): Rdv {
    return this.#commitRdv({ ...this.#rdv(id), broken: true }, 'updated');
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  #absence(id: number): Absence {
    const absence = this.absences.get(id);
    if (!absence || absence.deleted) throw new Refusal(404, 'entry_unknown');
    return absence;
  }

  #rdv(id: number): Rdv {
    const rdv = this.rdvs.get(id);
    if (!rdv) throw new Refusal(404, 'entry_unknown');
    return rdv;
  }

  #all(): DumpedEntry[] {
    return [...[...this.absences.values()].map(entryOfAbsence), ...[...this.rdvs.values()].map(entryOfRdv)];
  }

  #entry(agendaId: string, id: string): DiaryEntry {
    const entry = this.entries(agendaId).find((one) => one.id === id);
    if (!entry) throw new Refusal(404, 'entry_unknown');
    return entry;
  }

  #refuseOverlap(agendaId: string, start: number, end: number, except?: string): void {
    const taken = this.entries(agendaId).some((one) => one.id !== except && one.start < end && start < one.end);
    if (taken) throw new Refusal(409, 'overlap');
  }

  #commitAbsence(absence: Absence, event: 'created' | 'updated' | 'destroyed'): Absence {
    this.absences.set(absence.id, absence);
    this.onChange({ model: 'Absence', event, absence });
    return absence;
  }

  #commitRdv(rdv: Rdv, event: 'created' | 'updated'): Rdv {
    this.rdvs.set(rdv.id, rdv);
    this.onChange({ model: 'Rdv', event, rdv });
    return rdv;
  }
}

export function inputOf({ start, end, title }: { start: number; end: number; title: string }): AbsenceInput {
  return { title, firstDay: dayOf(start), startTime: timeOf(start), endDay: dayOf(end), endTime: timeOf(end) };
}

/** First occurrence, as instants. */
export function intervalOf({ firstDay, startTime, endDay, endTime }: AbsenceInput): { start: number; end: number } {
  return { start: instantOf(firstDay, startTime), end: instantOf(endDay, endTime) };
}

function entryOfAbsence(absence: Absence): DumpedEntry {
  const { id, agentId, title, by, deleted } = absence;
  return { id: `absence_${id}`, agendaId: String(agentId), ...intervalOf(absence), title, by, deleted };
}

function entryOfRdv({ id, agentId, start, end, motif, by, status, deleted }: Rdv): DumpedEntry {
  const gone = deleted || FREEING.has(status);
  return { id: `rdv_${id}`, agendaId: String(agentId), start, end, title: motif, by, deleted: gone };
}

function numberOf(id: string, kind: 'rdv' | 'absence'): number {
  const [, found, number] = /^([a-z]+)_(\d+)$/.exec(id) ?? [];
  return found === kind ? Number(number) : -1;
}
