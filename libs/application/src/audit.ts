import { createHash } from 'node:crypto';

/** What is to be proven, before it is in the chain: an event, or the trace of something that is none. */
export interface AuditSource {
  readonly transactionId: string;
  readonly sourceId: string;
  /** RFC 3339, microseconds, UTC: the database's clock. */
  readonly at: string;
  readonly action: string;
  readonly agendaId: string | null;
  readonly entityId: string | null;
  readonly objects: readonly string[];
  readonly actorKind: string;
  readonly actorId: string | null;
  readonly keyId: string | null;
  readonly behalfId: string | null;
  readonly grantIds: readonly string[];
  readonly requestId: string | null;
  readonly address: string | null;
  readonly agent: string | null;
  readonly reason: string | null;
  /** SHA-256 of what it became, in hexadecimal. */
  readonly after: string | null;
}

/** One link of an organization's chain. Hashes in hexadecimal. */
export interface AuditEntry extends AuditSource {
  readonly seq: number;
  /** Keyed pseudonyms of whom it is about. */
  readonly patients: readonly string[];
  /** SHA-256 of what the entity was before. */
  readonly before: string | null;
  readonly hash: string;
}

/** Where a chain stands. */
export interface ChainHead {
  readonly seq: number;
  readonly transactionId: string;
  readonly sourceId: string;
  readonly hash: string;
}

/** Nothing comes before the first entry. */
export const CHAIN_START: ChainHead = { seq: 0, transactionId: '0', sourceId: '0', hash: '00'.repeat(32) };

/** A head that somebody who holds the key has signed. */
export interface ChainSeal extends ChainHead {
  readonly kind: 'hourly' | 'anchor';
  readonly keyId: string;
  readonly signature: Buffer;
}

/**
 * The bytes of an entry, one way only: a JSON array of its fields in this order, as text. Whoever verifies without this
 * program can write it down again from the table.
 */
export function canonicalEntry(entry: Omit<AuditEntry, 'hash'>): string {
  const { seq, transactionId, sourceId, at, action, agendaId, entityId, objects, patients, before, after } = entry;
  const { actorKind, actorId, keyId, behalfId, grantIds, requestId, address, agent, reason } = entry;
  const who = [actorKind, actorId, keyId, behalfId, grantIds, requestId, address, agent];
  const what = [action, agendaId, entityId, objects, patients, reason, before, after];
  return JSON.stringify([String(seq), transactionId, sourceId, at, ...who, ...what]);
}

/** SHA-256 over the hash before and the bytes of the entry. */
export function chainHash(previous: string, entry: Omit<AuditEntry, 'hash'>): string {
  return createHash('sha256').update(Buffer.from(previous, 'hex')).update(canonicalEntry(entry), 'utf8').digest('hex');
}

/** What is signed of a head. */
export function sealText(organizationId: string, { seq, hash, transactionId, sourceId }: ChainHead): string {
  return ['unisson audit 1', organizationId, String(seq), transactionId, sourceId, hash].join('|');
}

/** A seal in one word, for whoever keeps it outside the database. */
export function sealWord({ kind, seq, transactionId, sourceId, hash, keyId, signature }: ChainSeal): string {
  return [kind, String(seq), transactionId, sourceId, hash, keyId, signature.toString('base64url')].join('.');
}

const SEAL_WORD =
  /^(hourly|anchor)\.(\d{1,15})\.(\d{1,19})\.(\d{1,19})\.([0-9a-f]{64})\.([a-z0-9-]{1,16})\.([A-Za-z0-9_-]{86})$/;

/** `null` when the word is none. */
export function readSealWord(word: string): ChainSeal | null {
  const [, kind, seq, transactionId = '', sourceId = '', hash = '', keyId = '', signature = ''] =
    SEAL_WORD.exec(word.trim()) ?? [];
  if (kind !== 'hourly' && kind !== 'anchor') return null;
  const sign = Buffer.from(signature, 'base64url');
  return { kind, seq: Number(seq), transactionId, sourceId, hash, keyId, signature: sign };
}

/** Signs heads of chains with a key that is not in the database. */
export abstract class SealKeys {
  abstract sign(text: string): { readonly keyId: string; readonly signature: Buffer };
  /** `null`: the key is not at hand. */
  abstract verify(text: string, keyId: string, signature: Buffer): boolean | null;
}

/** What narrows a reading of the log. */
export interface AuditQuery {
  readonly organizationId: string;
  /** An agenda, an object, a collaborator, a patient's pseudonym. */
  readonly subjectId: string | null;
  /** Epoch milliseconds, `[from, to)`. */
  readonly from: number | null;
  readonly to: number | null;
  readonly after: number;
  readonly limit: number;
}

/** What somebody was shown, or took along. */
export interface Reading {
  readonly organizationId: string;
  readonly action: string;
  readonly entityId: string | null;
  readonly objects: readonly string[];
  readonly actor: unknown;
}

/** Sources that the chain does not hold, up to where nothing older can appear. */
export interface Unsealed {
  readonly count: number;
  /** RFC 3339. */
  readonly oldest: string | null;
}

/** The audit log, as far as the application may touch it: it can add, and never change. */
export abstract class AuditLog {
  abstract note(reading: Reading): Promise<void>;
  /** Puts what came since into the chain, `limit` at most; resolves to how many. 0 also when somebody else is at it. */
  abstract seal(organizationId: string, limit: number): Promise<number>;
  abstract head(organizationId: string): Promise<ChainHead>;
  abstract keepSeal(organizationId: string, seal: ChainSeal): Promise<void>;
  abstract seals(organizationId: string): Promise<readonly ChainSeal[]>;
  /** In order of the chain. */
  abstract list(query: AuditQuery): Promise<readonly AuditEntry[]>;
  /** The pseudonym of an appointment's patient, or of one who waits. */
  abstract pseudonymOf(organizationId: string, id: string): Promise<string | null>;
  /** The sources of entries with `first <= seq <= last`, as they stand now. */
  abstract sources(organizationId: string, first: number, last: number): Promise<readonly AuditSource[]>;
  /** Sources behind `from`, up to `to`, that no entry of the chain holds: nothing can have come there by itself. */
  abstract strays(organizationId: string, from: ChainHead, to: ChainHead): Promise<readonly AuditSource[]>;
  abstract unsealed(organizationId: string): Promise<Unsealed>;
  /** The last entry before the time that the organization keeps; `null` when all are younger. */
  abstract expired(organizationId: string): Promise<ChainHead | null>;
  /** Removes entries, traces and events up to there; an anchor must stand. */
  abstract prune(organizationId: string, upTo: ChainHead): Promise<number>;
}
