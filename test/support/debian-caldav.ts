import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';

/** Debian's own Python has Debian's packages; another one on the PATH has not. */
const PYTHON = '/usr/bin/python3';
const ANSWER_TIMEOUT_MS = 30_000;

/** An event as the application shows it. Epoch milliseconds, `[start, end)`. */
export interface ShownEvent {
  readonly id: string;
  readonly start: number;
  readonly end: number;
  readonly title: string;
}

export interface CalendarAccess {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly calendar: string;
}

/** A calendar application that nobody here has written: Debian's python3-caldav, in a process of its own. */
export class DebianCalendar {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;
  #errors = '';

  constructor({ url, user, password, calendar }: CalendarAccess) {
    const script = path.resolve(import.meta.dirname, 'caldav-client.py');
    this.#child = spawn(PYTHON, [script, url, user, password, calendar], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.on('error', (error) => (this.#errors = error.message));
    this.#child.stderr.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()));
    this.#lines = createInterface({ input: this.#child.stdout });
  }

  entries(): Promise<ShownEvent[]> {
    return this.#ask({ do: 'entries' }) as Promise<ShownEvent[]>;
  }

  create(event: { start: number; end: number; title: string }): Promise<string> {
    return this.#ask({ do: 'create', ...event }) as Promise<string>;
  }

  async move(id: string, start: number, end: number): Promise<void> {
    await this.#ask({ do: 'move', id, start, end });
  }

  async retitle(id: string, title: string): Promise<void> {
    await this.#ask({ do: 'retitle', id, title });
  }

  async remove(id: string): Promise<void> {
    await this.#ask({ do: 'remove', id });
  }

  close(): void {
    this.#lines.close();
    this.#child.kill();
  }

  #ask(command: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const fail = (): void => {
        clearTimeout(late);
        reject(
          new Error(`the calendar application failed (apt-get install python3-caldav): ${this.#errors.slice(-500)}`),
        );
      };
      const late = setTimeout(fail, ANSWER_TIMEOUT_MS);
      this.#child.once('close', fail);
      this.#lines.once('line', (line) => {
        clearTimeout(late);
        this.#child.off('close', fail);
        const { answer, error } = JSON.parse(line) as { answer?: unknown; error?: string };
        if (error === undefined) resolve(answer);
        else reject(new Error(error));
      });
      this.#child.stdin.write(`${JSON.stringify(command)}\n`);
    });
  }
}
