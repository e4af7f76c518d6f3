/** The database cannot answer now: nothing was decided, the request may be tried again. */
export class StoreUnavailable extends Error {
  /** `code`: SQLSTATE, or `connection`. */
  constructor(readonly code: string) {
    super(`the database cannot answer now (${code})`);
    this.name = 'StoreUnavailable';
  }
}

/** `sealed`: nobody has unlocked it since it was started; `denied`: the login, or its policy; `misconfigured`: no such key, or one that does not derive. */
export type KeyServiceReason = 'unreachable' | 'sealed' | 'throttled' | 'denied' | 'misconfigured';

/** The key management service does not do what it is asked: what is not known already can be neither read nor written. */
export class KeyServiceUnavailable extends Error {
  constructor(readonly reason: KeyServiceReason) {
    super(`the key service cannot be used (${reason})`);
    this.name = 'KeyServiceUnavailable';
  }
}

/** Another process works on the agenda since: what this one read is out of date, and nothing of it was stored. */
export class LaneLost extends Error {
  constructor() {
    super('the lane of the agenda belongs to another process');
    this.name = 'LaneLost';
  }
}

/** The database refused a write that the code above should not have tried. */
export class StoreRefused extends Error {
  /** `code`: SQLSTATE. */
  constructor(
    readonly code: string,
    readonly constraint: string | null,
    message: string,
  ) {
    super(message);
    this.name = 'StoreRefused';
  }
}
