import { isLive } from '../src/appointment.js';
import type { Interval } from '../src/interval.js';
import type { Action, HubAppointment, KnownObject, ReconcileInput, ReconcileLink } from '../src/reconcile-types.js';
import type { CompleteListing, RemoteChange, RemoteObject } from '../src/remote.js';
import type { RemoteModel, StoredEvent } from './remote-model.js';

export type Planner = (input: ReconcileInput) => Action[];
/** How the next writes end: well, refused before anything happened, or done with the answer lost. */
export type WriteFault = 'none' | 'before' | 'after';

function must(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

function isLater(event: StoredEvent | undefined, changedAt: number | null | undefined): boolean {
  return (event?.modifiedAt ?? -Infinity) >= (changedAt ?? Infinity);
}

/** A hub that decides nothing: it carries out plans, and checks each step against what is true on the server. */
export class HubModel {
  readonly appointments = new Map<string, HubAppointment>();
  readonly mirrors = new Map<string, KnownObject>();
  /** Deletions held back by the last run. */
  #held: ReadonlySet<string> = new Set();
  writable = true;
  private cursor: number | null = null;
  private nextId = 0;

  constructor(
    private readonly remote: RemoteModel,
    private readonly plan: Planner,
    private readonly link: Omit<ReconcileLink, 'writable'>,
  ) {}

  book(when: Interval): void {
    const id = `a${String(this.nextId++)}`;
    this.set({ id, status: 'pending', when, summary: `visit ${id}`, reference: `ref-${id}` });
  }

  move(appointment: HubAppointment, when: Interval): void {
    if (appointment.status === 'confirmed' || appointment.status === 'pending')
      this.set({ ...appointment, status: 'pending', when, changedAt: this.remote.now() });
  }

  cancel(appointment: HubAppointment): void {
    if (appointment.status === 'confirmed' || appointment.status === 'pending')
      this.set({ ...appointment, status: 'compensating' });
  }

  /** Pulls, plans and applies; returns what was planned. */
  sync(options: { full: boolean; shuffle: number; releaseDeletions?: boolean }): Action[] {
    const { changes, complete, cursor } = this.remote.pull(options.full ? null : this.cursor, options.shuffle);
    const plan = this.reconcile(changes, complete, options.releaseDeletions);
    if (!plan.some(({ type }) => type === 'brake')) this.cursor = cursor;
    return plan;
  }

  /** A listing that says the agenda is empty. */
  syncOutage(): void {
    this.reconcile([], { window: this.remote.window, present: new Set() });
  }

  reconcile(changes: readonly RemoteChange[], complete: CompleteListing | null, releaseDeletions = false): Action[] {
    const input = this.input(changes, complete, releaseDeletions);
    const plan = this.plan(input);
    for (const action of plan) this.apply(action);
    this.#held = new Set(plan.flatMap((action) => (action.type === 'brake' ? action.held : [])));
    const again = this.plan(this.input(changes, complete, releaseDeletions));
    const waiting = new Set(['brake', 'quarantine', 'remove-stray']);
    must(
      again.every(({ type }) => waiting.has(type)),
      `not idempotent: ${JSON.stringify(again)}`,
    );
    return plan;
  }

  /** Writes what is due, as the outbox would. */
  write(fault: WriteFault): void {
    if (!this.writable || fault === 'before') return;
    for (const appointment of this.appointments.values()) {
      if (appointment.status === 'pending') this.put(appointment, fault);
      else if (appointment.status === 'unknown') this.lookUp(appointment);
      else if (appointment.status === 'compensating') this.delete(appointment, fault);
    }
  }

  mirrorOf(appointmentId: string): KnownObject | undefined {
    return [...this.mirrors.values()].find((known) => known.appointmentId === appointmentId);
  }

  private input(
    changes: readonly RemoteChange[],
    complete: CompleteListing | null,
    releaseDeletions: boolean,
  ): ReconcileInput {
    return {
      link: { ...this.link, writable: this.writable },
      window: this.remote.window,
      known: [...this.mirrors.values()],
      appointments: [...this.appointments.values()],
      changes,
      complete,
      released: new Set(releaseDeletions ? this.mirrors.keys() : []),
      held: releaseDeletions ? new Set() : this.#held,
    };
  }

  private apply(action: Action): void {
    switch (action.type) {
      case 'mirror':
        return this.mirror(action.object, action.appointmentId);
      case 'forget':
        must(!this.remote.events.has(action.remoteId), 'forgot an object that is still there');
        this.mirrors.delete(action.remoteId);
        return;
      case 'quarantine':
      case 'brake':
        return;
      case 'remove-stray':
        return this.removeStray(action);
      default:
        return this.applyToAppointment(action);
    }
  }

  private applyToAppointment(action: Extract<Action, { appointmentId: string }>): void {
    const appointment = this.appointments.get(action.appointmentId);
    if (!appointment) throw new Error('no such appointment');
    must(isLive(appointment.status), `${action.type} of a dead appointment`);
    const base = this.mirrors.get(action.type === 'follow-cancel' ? action.remoteId : (action.object?.remoteId ?? ''));
    if (action.type === 'follow-cancel') return this.followCancel(action.remoteId, appointment, action.object);
    if (action.type === 'recreate' || (action.type === 'conflict' && action.reason === 'deleted-there'))
      return this.deletedThere(action, appointment);
    if (action.object === null) throw new Error('an object that is gone');
    this.followObject(action, { appointment, base, object: action.object });
    this.mirror(action.object, appointment.id);
  }

  private followObject(
    action: Extract<Action, { appointmentId: string }>,
    { appointment, base, object }: { appointment: HubAppointment; base: KnownObject | undefined; object: RemoteObject },
  ): void {
    const event = this.remote.events.get(object.remoteId);
    if (action.type === 'confirm') {
      must(event?.when.start === appointment.when.start, 'confirmed what the agenda does not hold');
      this.set({ ...appointment, status: 'confirmed' });
    } else if (action.type === 'follow-move') {
      must(event?.movedBy === 'practitioner', 'took our own write for a move');
      must(this.mayFollow(appointment, action.to, base, event), 'followed against the policy');
      this.set({ ...appointment, status: 'confirmed', when: action.to });
    } else if (action.type === 'follow-retitle') {
      must(event?.retitledBy === 'practitioner', 'took our own write for a new title');
    } else if (action.type === 'write-back') {
      must(this.writable, 'write on a read-only link');
      this.set({ ...appointment, status: 'pending' });
    } else {
      this.set({ ...appointment, status: 'conflict' });
    }
  }

  /** The rules of the policy, told once more. */
  private mayFollow(
    { status, when, changedAt }: HubAppointment,
    to: Interval,
    base: KnownObject | undefined,
    event: StoredEvent | undefined,
  ): boolean {
    const { policy } = this.link;
    if (policy === 'practitioner-wins' || to.start === when.start) return true;
    const both = status !== 'confirmed' && base?.when != null && base.when.start !== when.start;
    if (policy === 'hub-wins') return status === 'conflict' && !both;
    if (!both) return true;
    return policy === 'newest-wins' && isLater(event, changedAt);
  }

  private deletedThere(
    { type, remoteId, object }: Extract<Action, { type: 'recreate' | 'conflict' }>,
    appointment: HubAppointment,
  ): void {
    const event = this.remote.events.get(remoteId);
    must(event === undefined || event.free, 'took for deleted what the practitioner keeps');
    must(appointment.status !== 'confirmed', 'nothing but a deletion');
    must(this.link.policy !== 'practitioner-wins', 'kept against the policy');
    must(type !== 'recreate' || this.writable, 'write on a read-only link');
    const settled = this.link.policy === 'hub-wins' && this.writable && appointment.status !== 'conflict';
    must(type === 'recreate' ? this.link.policy !== 'ask' : !settled, 'decided against the policy');
    if (object) this.mirror(object, null);
    else this.mirrors.delete(remoteId);
    // What he left behind keeps the old reference.
    if (type === 'recreate') this.set({ ...appointment, status: 'pending', reference: `${appointment.reference}+` });
    else this.set({ ...appointment, status: 'conflict' });
  }

  private followCancel(remoteId: string, appointment: HubAppointment, left: RemoteObject | null): void {
    const event = this.remote.events.get(remoteId);
    must(event === undefined || event.free, 'cancelled what the practitioner keeps');
    if (left) this.mirror(left, null);
    else this.mirrors.delete(remoteId);
    this.set({ ...appointment, status: 'cancelled' });
  }

  private removeStray({ appointmentId, object }: Extract<Action, { type: 'remove-stray' }>): void {
    must(this.writable, 'removal on a read-only link');
    // A copy put at the very time of a cancelled appointment cannot be told from a late write.
    const atOurTime = this.appointments.get(appointmentId ?? '')?.when.start === object.when?.start;
    const ours = this.mirrors.get(object.remoteId)?.appointmentId === appointmentId;
    const made = this.remote.events.get(object.remoteId)?.madeBy;
    must(made !== 'practitioner' || atOurTime || ours, 'removed what the practitioner made');
    this.remote.remove(object.remoteId);
    this.remote.hubWrites += 1;
    this.mirrors.delete(object.remoteId);
  }

  private put(appointment: HubAppointment, fault: WriteFault): void {
    const { when, summary, reference } = appointment;
    const known = this.mirrorOf(appointment.id);
    const present = known ? this.remote.get(known.remoteId) : this.remote.byReference(reference);
    if (known && !present) return this.lookElsewhere(known, reference);
    if (!known && present) return void this.reconcile([{ kind: 'upsert', object: present }], null);
    if (known && present && present.version !== known.version)
      return void this.reconcile([{ kind: 'upsert', object: present }], null);
    const before = known && this.remote.events.get(known.remoteId);
    // The server rewrites what it is given.
    const stored = summary.toUpperCase();
    const written = before
      ? this.remote.store({ ...before, when, summary: stored, recurring: false, movedBy: 'hub', retitledBy: 'hub' })
      : this.remote.insert({ when, summary: stored, reference }, 'hub');
    this.remote.hubWrites += 1;
    if (fault === 'after') return this.set({ ...appointment, status: 'unknown' });
    this.mirror(this.remote.asRead(written), appointment.id);
    this.set({ ...appointment, status: 'confirmed' });
  }

  /** Gone where it was: it may have got another id, so a look by reference comes before any conclusion. */
  private lookElsewhere({ remoteId }: KnownObject, reference: string): void {
    const elsewhere = this.remote.byReference(reference);
    const changes: RemoteChange[] = [{ kind: 'removed', remoteId }];
    if (elsewhere) changes.push({ kind: 'upsert', object: elsewhere });
    this.reconcile(changes, null);
  }

  private lookUp(appointment: HubAppointment): void {
    const known = this.mirrorOf(appointment.id);
    const present = known ? this.remote.get(known.remoteId) : this.remote.byReference(appointment.reference);
    if (present) this.reconcile([{ kind: 'upsert', object: present }], null);
    const after = this.appointments.get(appointment.id);
    if (after?.status === 'unknown') this.set({ ...after, status: 'pending' });
  }

  private delete(appointment: HubAppointment, fault: WriteFault): void {
    const known = this.mirrorOf(appointment.id);
    const present = known ? this.remote.get(known.remoteId) : this.remote.byReference(appointment.reference);
    if (known && present && present.version !== known.version)
      return void this.reconcile([{ kind: 'upsert', object: present }], null);
    // The hub looks by reference before it frees the time.
    if (known && !present && this.remote.byReference(appointment.reference))
      return this.lookElsewhere(known, appointment.reference);
    if (present) {
      this.remote.remove(present.remoteId);
      this.remote.hubWrites += 1;
      if (fault === 'after') return;
    }
    if (known) this.mirrors.delete(known.remoteId);
    this.set({ ...appointment, status: 'cancelled' });
  }

  private mirror(object: RemoteObject, appointmentId: string | null): void {
    const { remoteId, version, contentHash, when, summary, busy } = object;
    this.mirrors.set(remoteId, { remoteId, version, contentHash, appointmentId, when, summary, busy });
    const ours = [...this.mirrors.values()].filter((known) => known.appointmentId !== null);
    must(
      new Set(ours.map((known) => known.appointmentId)).size === ours.length,
      'two objects stand for one appointment',
    );
  }

  private set(appointment: HubAppointment): void {
    this.appointments.set(appointment.id, appointment);
  }
}
