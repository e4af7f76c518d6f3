import type { Written } from './xml.js';

/** Business errors come with status 200. */
export class Faute extends Error {
  constructor(
    readonly code: string,
    readonly texte: string,
  ) {
    super(code);
  }

  answer(): Written {
    const content = [
      { name: 'Code', content: this.code },
      { name: 'Texte', content: this.texte },
    ];
    return { name: 'Reponse', content: [{ name: 'Faute', content }] };
  }
}

/** An answer that has a status of its own. */
export class Ailleurs extends Error {
  constructor(
    readonly status: number,
    readonly body: Written | string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(`answer ${status}`);
  }
}
