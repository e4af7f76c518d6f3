/** An answer of the API that is no success: status and body in the vendor's words. */
export class Answer extends Error {
  constructor(
    readonly status: number,
    readonly body: object,
  ) {
    super(`answer ${status}`);
  }
}

export function forbidden(): Answer {
  const error_messages = ['Vous ne pouvez pas effectuer cette action.'];
  return new Answer(403, { errors: [{ base: 'forbidden' }], error_messages });
}

export function missing(what: 'absence' | 'agent'): Answer {
  return new Answer(404, { not_found: what });
}

export function noRecord(model: string, id: string): Answer {
  return new Answer(404, { success: false, errors: [`Couldn't find ${model} with 'id'=${id}`] });
}

/** A 422, by attribute. */
export function invalid(attribute: string, error: string): Answer {
  return new Answer(422, {
    success: false,
    errors: { [attribute]: [{ error }] },
    error_messages: [`${attribute} ${error}`],
  });
}

/** What a fault makes the API say. */
export function faultBody(status: number): object {
  if (status === 401) return { errors: ['Vous devez vous connecter ou vous inscrire pour continuer.'] };
  if (status === 403) return forbidden().body;
  if (status === 429) return { errors: ["Limite d'appels API atteinte. Merci de patienter.\n"] };
  return { status, error: 'Internal Server Error' };
}
