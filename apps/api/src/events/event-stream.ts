import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { Problem, type Drain } from '#platform';
import type { eventView } from './events.schemas.js';

type EventView = z.input<typeof eventView>;

export const LOOK_MS = 400;
/** A comment now and then keeps proxies from closing the stream, and tells a broken connection. */
const BEAT_MS = 15_000;
/** Key, mandate and grants are looked at again this often: what was withdrawn ends the stream within two seconds. */
export const RECHECK_MS = 500;
const BATCH = 200;

export interface StreamSource {
  /** What came after the position, and the position behind it. */
  after(
    cursor: string | null,
    limit: number,
  ): Promise<{ readonly items: readonly EventView[]; readonly cursor: string | null }>;
  /** Throws once the caller may no longer read. */
  recheck(): Promise<unknown>;
}

/** Server-sent events (HTML Living Standard 9.2): the log from a position on, until the client leaves or this process ends. */
export class EventStream {
  private readonly left = new AbortController();
  private checkedAt = Date.now();

  constructor(
    private readonly response: ServerResponse,
    private readonly source: StreamSource,
    private readonly drain: Drain,
  ) {}

  async run(from: string | null): Promise<void> {
    const end = (): void => {
      this.left.abort();
    };
    this.response.once('close', end);
    const forget = this.drain.onBegin(end);
    if (this.drain.draining) end();
    try {
      // The client's wait before it comes back after a cut.
      await this.write('retry: 1000\n\n');
      await this.follow(from);
    } catch (error) {
      if (error instanceof Problem) this.tellWhy(error);
      // Else cut off: the client comes back with Last-Event-ID.
    } finally {
      forget();
      this.response.end();
    }
  }

  /** The last thing a stream says to somebody who may no longer read it. */
  private tellWhy({ slug, options }: Problem): void {
    if (this.left.signal.aborted) return;
    this.response.write(`event: ended\ndata: ${JSON.stringify({ problem: slug, code: options.code ?? null })}\n\n`);
  }

  private async follow(from: string | null): Promise<void> {
    let cursor = from;
    let beatAt = Date.now();
    while (!this.left.signal.aborted) {
      await this.recheck();
      const page = await this.source.after(cursor, BATCH);
      cursor = page.cursor;
      for (const event of page.items) {
        // Whoever reads slowly may have lost his right since the page was read.
        await this.recheck();
        await this.write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      }
      if (page.items.length > 0) beatAt = Date.now();
      else if (Date.now() - beatAt >= BEAT_MS) {
        await this.write(': beat\n\n');
        beatAt = Date.now();
      }
      if (page.items.length < BATCH) await sleep(LOOK_MS, undefined, { signal: this.left.signal });
    }
  }

  private async recheck(): Promise<void> {
    if (Date.now() - this.checkedAt < RECHECK_MS) return;
    await this.source.recheck();
    this.checkedAt = Date.now();
  }

  /** A client that does not read is not written to: nothing piles up here. */
  private async write(text: string): Promise<void> {
    if (this.left.signal.aborted) return;
    if (!this.response.write(text)) await once(this.response, 'drain', { signal: this.left.signal });
  }
}
