import {
  CHAIN_START,
  chainHash,
  sealText,
  type AuditEntry,
  type AuditLog,
  type AuditSource,
  type ChainHead,
  type ChainSeal,
  type SealKeys,
  type Unsealed,
} from './audit.js';

const PAGE = 2_000;

/** `unchained`: a source stands where the chain has none: it came there later, or its entry was taken out. */
export type FaultKind =
  | 'altered'
  | 'removed'
  | 'inserted'
  | 'reordered'
  | 'cut'
  | 'rewritten'
  | 'source-altered'
  | 'source-removed'
  | 'unchained'
  | 'seal-forged'
  | 'seal-unverifiable';

/** The first thing that is wrong with a chain, and where. */
export interface ChainFault {
  readonly kind: FaultKind;
  readonly seq: number;
}

export interface ChainReport {
  readonly organizationId: string;
  /** Where the chain begins: after the anchor, once the retention has cut it. */
  readonly first: number;
  readonly head: ChainHead;
  readonly unsealed: Unsealed;
  /** Signed heads, and those of them that prove nothing: their key is not at hand. */
  readonly seals: number;
  readonly unverifiable: number;
  readonly fault: ChainFault | null;
}

/** Reads a whole chain again, and compares it with what it was made from and with the heads that were signed. */
export class AuditVerification {
  constructor(
    private readonly log: AuditLog,
    private readonly keys: SealKeys,
  ) {}

  /** `kept`: seals that the operator kept outside the database. */
  async verify(organizationId: string, kept: readonly ChainSeal[] = []): Promise<ChainReport> {
    const seals = [...(await this.log.seals(organizationId)), ...kept].sort((a, b) => a.seq - b.seq);
    const judged = seals.map((seal) => ({ seal, holds: this.holds(organizationId, seal) }));
    const forged = judged.find(({ holds }) => holds === false)?.seal;
    const trusted = judged.filter(({ holds }) => holds === true).map(({ seal }) => seal);
    const unverifiable = judged.filter(({ holds }) => holds === null).map(({ seal }) => seal);
    const anchor = judged.findLast(({ seal, holds }) => seal.kind === 'anchor' && holds !== false)?.seal ?? CHAIN_START;
    const walk = await this.walk(organizationId, anchor, trusted);
    // A later head that was signed speaks for all before it, but not for what an anchor lets be missing.
    const proven = trusted.at(-1)?.seq ?? 0;
    const unproven = unverifiable.find((seal) => seal.seq > proven || seal === anchor);
    const doubted =
      (forged && ({ kind: 'seal-forged', seq: forged.seq } as const)) ??
      (unproven && ({ kind: 'seal-unverifiable', seq: unproven.seq } as const));
    const fault = walk.fault ?? doubted ?? null;
    return {
      organizationId,
      first: anchor.seq + 1,
      head: walk.head,
      unsealed: await this.log.unsealed(organizationId),
      seals: judged.length,
      unverifiable: unverifiable.length,
      fault,
    };
  }

  private holds(organizationId: string, seal: ChainSeal): boolean | null {
    return this.keys.verify(sealText(organizationId, seal), seal.keyId, seal.signature);
  }

  private async walk(
    organizationId: string,
    anchor: ChainHead,
    seals: readonly ChainSeal[],
  ): Promise<{ head: ChainHead; fault: ChainFault | null }> {
    const signed = new Map(seals.map(({ seq, hash }) => [seq, hash]));
    let head: ChainHead = anchor;
    for (;;) {
      const query = { organizationId, subjectId: null, from: null, to: null, after: head.seq, limit: PAGE };
      const page = await this.log.list(query);
      const last = page.at(-1);
      if (last === undefined) break;
      const strays = await this.log.strays(organizationId, head, last);
      const sources = await this.log.sources(organizationId, head.seq + 1, last.seq);
      const known = new Map(sources.map((source) => [placeOf(source), source]));
      for (const [index, entry] of page.entries()) {
        const broken = brokenLink(head, entry, { next: page[index + 1], known, strays });
        if (broken !== null) return { head, fault: broken };
        const sign = signed.get(entry.seq);
        if (sign !== undefined && sign !== entry.hash) return { head, fault: { kind: 'rewritten', seq: entry.seq } };
        head = entry;
      }
    }
    const cut = seals.some(({ seq }) => seq > head.seq);
    return { head, fault: cut ? { kind: 'cut', seq: head.seq + 1 } : null };
  }
}

type Place = Pick<AuditSource, 'transactionId' | 'sourceId'>;

const placeOf = ({ transactionId, sourceId }: Place): string => `${transactionId}-${sourceId}`;

function isBefore(a: Place, b: Place): boolean {
  const [first, second] = [BigInt(a.transactionId), BigInt(b.transactionId)];
  return first < second || (first === second && BigInt(a.sourceId) < BigInt(b.sourceId));
}

/** What is wrong with an entry behind `head`, or `null`. */
function brokenLink(
  head: ChainHead,
  entry: AuditEntry,
  around: {
    readonly next: AuditEntry | undefined;
    readonly known: ReadonlyMap<string, AuditSource>;
    readonly strays: readonly AuditSource[];
  },
): ChainFault | null {
  const { known, next, strays } = around;
  const seq = head.seq + 1;
  if (entry.seq !== seq) return { kind: 'removed', seq };
  const source = known.get(placeOf(entry));
  const gap = strays.some((stray) => isBefore(head, stray) && isBefore(stray, entry));
  if (chainHash(head.hash, entry) !== entry.hash) {
    if (!isBefore(head, entry) || (next !== undefined && !isBefore(entry, next))) return { kind: 'reordered', seq };
    if (source === undefined) return { kind: 'inserted', seq };
    return { kind: gap ? 'removed' : 'altered', seq };
  }
  if (gap) return { kind: 'unchained', seq };
  if (!isBefore(head, entry)) return { kind: 'reordered', seq };
  if (source === undefined) return { kind: 'source-removed', seq };
  return tellsTheSame(entry, source) ? null : { kind: 'source-altered', seq };
}

const TOLD = [
  ...(['at', 'action', 'agendaId', 'entityId', 'actorKind', 'actorId', 'keyId', 'behalfId'] as const),
  ...(['requestId', 'address', 'agent', 'reason', 'after'] as const),
];
const LISTS = ['objects', 'grantIds'] as const;

function tellsTheSame(entry: AuditEntry, source: AuditSource): boolean {
  return (
    TOLD.every((name) => entry[name] === source[name]) &&
    LISTS.every((name) => entry[name].join() === source[name].join())
  );
}
