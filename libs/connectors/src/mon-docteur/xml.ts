import { SaxesParser } from 'saxes';

/** An element of an answer. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  readonly text: string;
}

interface Open extends Element {
  readonly children: Element[];
  text: string;
}

/** Bounds of one answer, within which reading it holds up nobody: a month of a busy agenda has about 10,000 elements. */
const LIMITS = { characters: 2 * 1024 * 1024, elements: 40_000, depth: 16, attributes: 16 };
const CHUNK = 16 * 1024;

/**
 * Parses an answer whole. `null` when it is not well-formed, or declares a document type: no entity is ever defined, inside
 * or outside, so none is ever fetched or expanded.
 */
export function parseXml(document: string): Element | null {
  const parser = new SaxesParser({ xmlns: false, position: false });
  const open: Open[] = [];
  let root: Element | null = null;
  let usable = true;
  let elements = 0;
  const refuse = (): void => {
    usable = false;
  };
  parser.on('doctype', refuse);
  parser.on('error', refuse);
  let attributesOfOne = 0;
  parser.on('attribute', () => {
    attributesOfOne += 1;
    if (attributesOfOne > LIMITS.attributes) refuse();
  });
  parser.on('opentag', ({ name, attributes }) => {
    elements += 1;
    attributesOfOne = 0;
    if (elements > LIMITS.elements || open.length >= LIMITS.depth) refuse();
    const element: Open = { name, attributes, children: [], text: '' };
    if (usable) open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  const onText = (text: string): void => {
    const current = open.at(-1);
    if (current && usable) current.text += text;
  };
  parser.on('text', onText);
  parser.on('cdata', onText);
  parser.on('closetag', () => {
    open.pop();
  });
  if (document.length > LIMITS.characters) return null;
  const text = document.replace(/^\uFEFF/, '');
  for (let at = 0; at < text.length && usable; at += CHUNK) parser.write(text.slice(at, at + CHUNK));
  if (usable) parser.close();
  return usable ? root : null;
}

/** The texts of an element's children, by name; of several the first. */
export function fieldsOf({ children }: Element): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries([...children].reverse().map(({ name, text }) => [name, text]));
}

/** A request: a flat list of fields. Throws for what XML has no way to write. */
export function requestOf(fields: Readonly<Record<string, string>>): string {
  const written = Object.entries(fields).map(([name, value]) => `<${name}>${escaped(value)}</${name}>`);
  return `<?xml version="1.0" encoding="UTF-8"?><Requete>${written.join('')}</Requete>`;
}

/** What XML cannot hold is left out; the rest is written so that it is read back as it was. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '')
    .replace(/[<>&"'\r\n\t]/g, (character) => `&#${character.charCodeAt(0)};`);
}
