/** Title and text, in one language; plain text. */
export type Said = readonly [title: string, text: string];

/** A page for a person's browser, in both languages. */
export interface Page {
  readonly status: number;
  readonly fr: Said;
  readonly en: Said;
}

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${String(character.charCodeAt(0))};`);

export function pageHtml({ fr, en }: Page): string {
  const part = (language: string, [title, text]: Said): string =>
    `<section lang="${language}"><h1>${escaped(title)}</h1><p>${escaped(text)}</p></section>`;
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(fr[0])}</title>`;
  return `<!doctype html><html lang="fr"><head>${head}</head><body><main>${part('fr', fr)}${part('en', en)}</main></body></html>`;
}
