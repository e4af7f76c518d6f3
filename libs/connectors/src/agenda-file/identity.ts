import { shortHash } from './bytes.js';
import type { Row } from './snapshot.js';

type Known = ReadonlyMap<string, string | null>;

/** A row with the id by which the hub knows it. */
export interface Identified {
  readonly id: string;
  readonly row: Row;
}

/** Id of a visit that an order of ours made. */
export function ownId(reference: string): string {
  return `r:${reference}`;
}

/** `null` for what is not ours. */
export function referenceIn(id: string): string | null {
  return id.startsWith('r:') ? id.slice(2) : null;
}

/** What is kept of a row to recognise it in the next export. */
export function versionOf({ hash, uid }: Row): string {
  return `${hash}.${uid === null ? '-' : shortHash(uid)}`;
}

function partsOf(version: string | null): { readonly hash: string; readonly uid: string } {
  const [hash = '', uid = '-'] = (version ?? '').split('.');
  return { hash, uid };
}

/** True when both versions are of the same content, whatever UID the program gives it today. */
export function isSameContent(one: string, other: string): boolean {
  return partsOf(one).hash === partsOf(other).hash;
}

/**
 * Names the rows of an export, which have no ids of their own: ours by their reference; then what keeps its UID; then what
 * says the same as something known that would otherwise be gone; the rest is new. Nothing is named twice.
 */
export function identified(rows: readonly Row[], known: Known): Identified[] {
  const naming = new Naming(rows, known);
  naming.ours();
  naming.byUid();
  naming.byContent();
  return naming.rest();
}

class Naming {
  readonly #names: (string | undefined)[];
  readonly #used = new Set<string>();
  readonly #uids: (string | null)[];

  constructor(
    private readonly rows: readonly Row[],
    private readonly known: Known,
  ) {
    this.#names = rows.map(() => undefined);
    const digests = rows.map(({ uid }) => (uid === null ? null : shortHash(uid)));
    const often = counts(digests);
    // A UID that several rows carry tells nobody apart.
    this.#uids = digests.map((digest) => (digest !== null && often.get(digest) === 1 ? digest : null));
  }

  /** Of copies of one visit, the one that says what was known is the visit; else the first. */
  ours(): void {
    const groups = new Map<string, number[]>();
    for (const [at, row] of this.rows.entries()) {
      if (row.kind !== 'entry' || row.reference === null) continue;
      groups.set(row.reference, [...(groups.get(row.reference) ?? []), at]);
    }
    for (const [reference, places] of groups) {
      const { hash } = partsOf(this.known.get(ownId(reference)) ?? null);
      const place = places.find((at) => this.rows[at]?.hash === hash) ?? places[0];
      if (place !== undefined) this.#name(place, ownId(reference));
    }
  }

  byUid(): void {
    const byUid = new Map<string, string>();
    const often = counts([...this.known.values()].map((version) => partsOf(version).uid));
    for (const [id, version] of this.known) {
      const { uid } = partsOf(version);
      if (uid !== '-' && often.get(uid) === 1) byUid.set(uid, id);
    }
    for (const at of this.#unnamed()) {
      const uid = this.#uids[at];
      if (uid == null) continue;
      const id = byUid.get(uid) ?? (this.known.has(`u:${uid}`) ? `u:${uid}` : undefined);
      if (id !== undefined && referenceIn(id) === null) this.#name(at, id);
    }
  }

  byContent(): void {
    const byHash = new Map<string, string[]>();
    for (const [id, version] of [...this.known].sort(([one], [other]) => (one < other ? -1 : 1))) {
      const { hash } = partsOf(version);
      if (hash !== '' && !this.#used.has(id) && referenceIn(id) === null)
        byHash.set(hash, [...(byHash.get(hash) ?? []), id]);
    }
    for (const at of this.#unnamed()) {
      const id = byHash.get(this.rows[at]?.hash ?? '')?.shift();
      if (id !== undefined) this.#name(at, id);
    }
  }

  rest(): Identified[] {
    for (const at of this.#unnamed()) {
      const uid = this.#uids[at];
      if (uid != null && this.#name(at, `u:${uid}`)) continue;
      const prefix = `${this.rows[at]?.kind === 'unreadable' ? 'x' : 'h'}:${this.rows[at]?.hash ?? ''}#`;
      for (let n = 1; !this.#name(at, prefix + String(n)); n += 1);
    }
    return this.rows.map((row, at) => ({ row, id: this.#names[at] ?? '' }));
  }

  #unnamed(): number[] {
    return this.#names.flatMap((name, at) => (name === undefined ? [at] : []));
  }

  /** False when that name is another row's. */
  #name(at: number, id: string): boolean {
    if (this.#used.has(id)) return false;
    this.#used.add(id);
    this.#names[at] = id;
    return true;
  }
}

function counts(values: readonly (string | null)[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const value of values) if (value !== null) found.set(value, (found.get(value) ?? 0) + 1);
  return found;
}
