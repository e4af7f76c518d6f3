/** A certain no in an answer that looks like a success: 200 with `{ "error": … }`. */
export class SoftRefusal extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

/** A refusal by status. */
export class HardRefusal extends Error {
  constructor(
    readonly status: number,
    readonly body: object,
  ) {
    super(String(status));
  }
}
