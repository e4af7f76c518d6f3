const WORDS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  422: 'Unprocessable Entity',
};

/** A no of the API. `overlap`: the interval is taken. */
export class ClicRefusal extends Error {
  constructor(
    readonly status: 400 | 401 | 403 | 404 | 422,
    readonly detail: string | null = null,
  ) {
    super(detail ?? WORDS[status]);
  }
}

/** The body of every error. */
export function errorBody(status: number, detail: string | null = null): object {
  return { error: detail ?? WORDS[status] ?? 'Internal Server Error' };
}
