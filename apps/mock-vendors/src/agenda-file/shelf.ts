import { createHmac } from 'node:crypto';
import { agendasCsv, csv, ics } from './exports.js';
import type { DeskStore } from './store.js';
import { encode } from './windows-1252.js';

interface Made {
  readonly changes: number;
  readonly number: number;
  readonly at: number;
  readonly files: ReadonlyMap<string, Buffer>;
}

/** The files that the program exports, made anew when something changed and the last ones are old enough. */
export class Shelf {
  #made: Made | null = null;
  #number = 0;
  /** How often the program exports at most, in milliseconds. */
  everyMs = 0;
  /** True: files are half written, as when somebody reads while the program still writes. */
  halfWritten = false;

  constructor(
    private readonly store: DeskStore,
    private readonly now: () => number,
  ) {}

  reset(): void {
    this.#made = null;
    this.everyMs = 0;
    this.halfWritten = false;
  }

  /** The signature of a file under the account's key. */
  readonly sign = (bytes: Buffer): string =>
    createHmac('sha256', this.store.account?.cle ?? '')
      .update(bytes)
      .digest('hex');

  /** Number of the first export that shows what the diary is now. */
  next(): number {
    return this.#made?.changes === this.store.changes ? this.#made.number : this.#number + 1;
  }

  file(name: string): Buffer | undefined {
    this.store.catchUp();
    const { files } = this.#current();
    const bytes = files.get(name.replace(/\.hmac$/, ''));
    if (bytes === undefined) return undefined;
    const written = this.halfWritten ? bytes.subarray(0, Math.floor(bytes.length / 2)) : bytes;
    return name.endsWith('.hmac') ? Buffer.from(this.sign(written), 'latin1') : written;
  }

  #current(): Made {
    const made = this.#made;
    const { changes } = this.store;
    if (made && (made.changes === changes || this.now() - made.at < this.everyMs)) return made;
    this.#number += 1;
    const files = new Map<string, Buffer>();
    files.set('agendas.csv', encode(agendasCsv('Cabinet', this.store.doctors())));
    for (const doctor of this.store.doctors()) {
      const spoilt = this.store.spoilt(doctor.code);
      const one = { doctor, lines: this.store.living(doctor.code), number: this.#number, now: this.now() };
      files.set(`${doctor.code}.csv`, encode(csv({ ...one, spoilt })));
      const broken = spoilt.map((text) => `BEGIN:VEVENT\r\nUID:${text}\r\nSUMMARY:?\r\nEND:VEVENT`);
      files.set(`${doctor.code}.ics`, encode(ics({ ...one, spoilt: broken })));
    }
    this.#made = { changes, number: this.#number, at: this.now(), files };
    return this.#made;
  }
}
