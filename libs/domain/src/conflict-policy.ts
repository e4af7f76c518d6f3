/**
 * Who wins when hub and practitioner disagree about an appointment, judged field by field against the base: the last
 * state that both sides had (the mirror). A field that one side alone changed is no disagreement, and follows that side;
 * only under `hub-wins` is the practitioner's move undone.
 *
 * | since the base …                      | practitioner-wins | hub-wins      | newest-wins            | ask          |
 * | ------------------------------------- | ----------------- | ------------- | ---------------------- | ------------ |
 * | he moved it                           | follows           | written back  | follows                | follows      |
 * | the hub moved it                      | written           | written       | written                | written      |
 * | both moved it, to different times     | follows           | written back  | the later change       | conflict     |
 * | both moved it to the same time        | agreed            | agreed        | agreed                 | agreed       |
 * | he renamed it                         | told              | told          | told                   | told         |
 * | he deleted or freed it                | cancelled         | cancelled     | cancelled              | cancelled    |
 * | he deleted it, the hub moved it       | cancelled         | made anew     | conflict               | conflict     |
 * | he freed it, the hub moved it         | cancelled         | made anew     | the later change       | conflict     |
 * | the hub cancelled it, he changed it   | cancelled         | cancelled     | cancelled              | cancelled    |
 *
 * - A deletion of his alone is followed whatever the policy: the hub does not force on him what he removed on purpose.
 * - A cancellation by the hub is the patient's word: nobody comes, wherever the event was dragged meanwhile.
 * - `newest-wins` compares the backend's instant of the last change with the hub's; with none (a deletion has none) it
 *   asks. The clocks are two: a difference smaller than theirs is decided by chance. At the same instant he wins.
 * - Titles are his: the hub keeps only a digest of them, tells that one changed, and writes its own with the next time
 *   it has something to write. A title is never worth a conflict.
 * - A write that the link does not permit is a conflict instead.
 */
export const CONFLICT_POLICIES = ['practitioner-wins', 'hub-wins', 'newest-wins', 'ask'] as const;

export type ConflictPolicy = (typeof CONFLICT_POLICIES)[number];

/** One disagreement. Instants in epoch milliseconds. */
export interface Disagreement {
  readonly policy: ConflictPolicy;
  /** Whether the hub wants something else than the base, too. */
  readonly hubChanged: boolean;
  /** When the hub last changed what it wants; `null` when it does not know. */
  readonly changedAt: number | null;
  /** When the other side was changed, as the backend tells; `null` when it does not. */
  readonly modifiedAt: number | null;
}

/** Whose version stands, or that a person has to say. */
export type Verdict = 'ours' | 'theirs' | 'ask';

/** He moved it. */
export function judgeMove(given: Disagreement): Verdict {
  if (given.policy === 'hub-wins') return 'ours';
  return given.hubChanged ? judgeBoth(given) : 'theirs';
}

/** He deleted it, or freed its time. */
export function judgeDeletion(given: Disagreement): Verdict {
  return given.hubChanged ? judgeBoth(given) : 'theirs';
}

function judgeBoth({ policy, changedAt, modifiedAt }: Disagreement): Verdict {
  if (policy === 'practitioner-wins') return 'theirs';
  if (policy === 'hub-wins') return 'ours';
  if (policy === 'ask' || changedAt === null || modifiedAt === null) return 'ask';
  return modifiedAt >= changedAt ? 'theirs' : 'ours';
}
