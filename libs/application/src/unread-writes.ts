import type { Capabilities } from '#connector-sdk';
import type { RemoteObject } from '#domain';
import type { PendingWrite } from './ports.js';

/** What is sent for longer is read back before more is sent: the read before the first is too old by then. */
const LONGEST_MS = 4_000;
const MOST = 20;

/** A write that the backend says it stored. */
export interface UnreadWrite {
  readonly write: PendingWrite;
  /** As the backend has it; `null` when it was not read yet. */
  readonly object: RemoteObject | null;
}

/**
 * First attempts of one agenda that were sent one after the other, to be read back by one pull. Until then nothing is
 * promised to anybody, and each is due as after any attempt that was cut off.
 */
export class UnreadWrites {
  private stored: UnreadWrite[] = [];
  private since = 0;

  get isEmpty(): boolean {
    return this.stored.length === 0;
  }

  get appointmentIds(): readonly string[] {
    return this.stored.map(({ write }) => write.appointmentId);
  }

  /** Whether a write may be sent before these are read back. */
  takes(write: PendingWrite, capabilities: Capabilities, now: number): boolean {
    if (this.isEmpty) return true;
    return this.stored.length < MOST && now - this.since < LONGEST_MS && isReadTogether(write, capabilities);
  }

  add(unread: UnreadWrite, now: number): void {
    if (this.isEmpty) this.since = now;
    this.stored.push(unread);
  }

  /** All of them, which are now the caller's. */
  take(): readonly UnreadWrite[] {
    const taken = this.stored;
    this.stored = [];
    return taken;
  }
}

/**
 * A first attempt, at a backend that is read after each write in any case, and that refuses what comes late or twice:
 * nothing else has to happen between two of them.
 */
export function isReadTogether(write: PendingWrite, capabilities: Capabilities): boolean {
  const { refusesOverlap, conditionalWrites = true, idempotency } = capabilities;
  if (refusesOverlap || !conditionalWrites) return false;
  if (idempotency !== 'client-id' && idempotency !== 'key') return false;
  if (write.mirror?.nameless === true || write.attempts > 0 || write.unanswered > 0) return false;
  return write.status === 'pending' || write.status === 'unknown';
}
