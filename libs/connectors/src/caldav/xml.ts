import { SaxesParser } from 'saxes';

/** An element with its resolved namespace: `{DAV:}href`. */
export interface XmlElement {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlElement[];
  /** The attribute called `name`, the only one that WebDAV and CalDAV answers use; `null` when absent. */
  readonly nameAttribute: string | null;
}

/** Why an answer is not usable XML; holds nothing of its content. */
export class XmlError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'XmlError';
  }
}

/** Bounds of one answer. A listing of 10,000 members has about 80,000 elements. */
export interface XmlLimits {
  readonly characters: number;
  readonly elements: number;
  readonly depth: number;
  readonly attributes: number;
}

const LIMITS: XmlLimits = { characters: 16 * 1024 * 1024, elements: 250_000, depth: 32, attributes: 64 };
/** Characters parsed at a time: a millisecond or two. */
export const CHUNK = 32 * 1024;

interface Open {
  readonly name: string;
  text: string;
  readonly children: XmlElement[];
  readonly nameAttribute: string | null;
}

/**
 * Parses a document piece by piece: yields the children of the root that were complete with each piece, and keeps none.
 * Returns the root's name. Refuses any DOCTYPE, so that no entity is ever defined. Throws {@link XmlError}.
 */
export function* parseXml(
  document: string | Uint8Array,
  limits: XmlLimits = LIMITS,
): Generator<readonly XmlElement[], string> {
  if (document.length > limits.characters) throw new XmlError('the answer is too long');
  const parser = new SaxesParser({ xmlns: true, position: false });
  const open: Open[] = [];
  let root: string | null = null;
  let elements = 0;
  let complete: XmlElement[] = [];
  parser.on('doctype', () => {
    throw new XmlError('the answer declares a document type');
  });
  parser.on('error', () => {
    throw new XmlError('the answer is not well-formed XML');
  });
  parser.on('opentag', ({ uri, local, attributes }) => {
    if (++elements > limits.elements) throw new XmlError('the answer has too many elements');
    if (open.length >= limits.depth) throw new XmlError('the answer is nested too deeply');
    if (Object.keys(attributes).length > limits.attributes) throw new XmlError('an element has too many attributes');
    const name = `{${uri}}${local}`;
    root ??= name;
    open.push({ name, text: '', children: [], nameAttribute: attributes['name']?.value ?? null });
  });
  const onText = (text: string): void => {
    const current = open.at(-1);
    if (current) current.text += text;
  };
  parser.on('text', onText);
  parser.on('cdata', onText);
  parser.on('closetag', () => {
    const element = open.pop();
    if (!element) return;
    if (open.length > 1) open.at(-1)?.children.push(element);
    else if (open.length === 1) complete.push(element);
  });
  const decoder = new TextDecoder();
  for (let at = 0; at < document.length; at += CHUNK) {
    const text =
      typeof document === 'string'
        ? document.slice(at, at + CHUNK)
        : decoder.decode(document.subarray(at, at + CHUNK), { stream: true });
    // Line ends as XML has them (its 2.11): the parser would keep each line of a long text by itself.
    parser.write((at === 0 ? text.replace(/^\uFEFF/, '') : text).replaceAll('\r\n', '\n'));
    if (complete.length === 0) continue;
    yield complete;
    complete = [];
  }
  parser.close();
  if (root === null) throw new XmlError('the answer is empty');
  return root;
}

export function childOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((child) => child.name === name);
}

/** Escapes text for an element's content. */
export function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${String(character.charCodeAt(0))};`);
}
