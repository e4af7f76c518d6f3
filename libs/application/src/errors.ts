/** The database cannot answer now: nothing was decided, the request may be tried again. */
export class StoreUnavailable extends Error {
  /** `code`: SQLSTATE, or `connection`. */
  constructor(readonly code: string) {
    super(`the database cannot answer now (${code})`);
    this.name = 'StoreUnavailable';
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
