import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Temporal } from 'temporal-polyfill';
import { Refusal } from '../core/refusal.js';
import { instantOf, ZONE, type Account } from './model.js';
import type { KeldocStore } from './store.js';

const ACCEPT = 'application/vnd.keldoc-v1+json';
const SKEW_MS = 5 * 60_000;

/** Who calls: signed with the date and the content type, once a request; and how often that happened today. */
export class Access {
  #day = '';
  readonly #calls = new Map<string, number>();

  constructor(
    private readonly store: KeldocStore,
    private readonly now: () => number,
  ) {}

  reset(): void {
    this.#calls.clear();
  }

  /** Refuses with 401, 402 (over quota) or 406. */
  account(headers: IncomingHttpHeaders): Account {
    if (headers.accept !== ACCEPT) throw new Refusal(406, 'not_acceptable');
    const account = this.#signer(headers);
    this.#count(account);
    return account;
  }

  #signer({ authorization = '', date = '', 'content-type': type = '' }: IncomingHttpHeaders): Account {
    const account = this.store.account(/^Bearer ([A-Za-z0-9]+):/.exec(authorization)?.[1] ?? '');
    if (!account) throw new Refusal(401, 'unauthorized');
    const signature = createHmac('sha256', account.secret).update(`${date},${type}`).digest('base64');
    // `+` and `/` of the base64 are not among the characters that are kept.
    const expected = Buffer.from(`Bearer ${account.accessKeyId}:${signature}`.replace(/[^A-Za-z0-9=:\s]/g, ''));
    const given = Buffer.from(authorization);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Refusal(401, 'unauthorized');
    const sent = /[+-]\d\d:\d\d$/.test(date) ? instantOf(date) : null;
    if (sent === null || Math.abs(sent - this.now()) > SKEW_MS) throw new Refusal(401, 'unauthorized');
    return account;
  }

  #count({ accessKeyId, dailyQuota }: Account): void {
    const day = Temporal.Instant.fromEpochMilliseconds(this.now()).toZonedDateTimeISO(ZONE).toPlainDate().toString();
    if (day !== this.#day) this.#calls.clear();
    this.#day = day;
    const calls = (this.#calls.get(accessKeyId) ?? 0) + 1;
    this.#calls.set(accessKeyId, calls);
    if (calls > dailyQuota) throw new Refusal(402, 'over_quota');
  }
}
