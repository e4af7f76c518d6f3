import { setImmediate as breathe } from 'node:timers/promises';
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
export class XmlError extends Error {}

/** Bounds of one answer. An element each, a listing of 10,000 members has about 80,000. */
export interface XmlLimits {
  readonly characters: number;
  readonly elements: number;
  readonly depth: number;
  readonly attributes: number;
}

const LIMITS: XmlLimits = { characters: 32 * 1024 * 1024, elements: 600_000, depth: 32, attributes: 64 };
/** Characters parsed between two turns of the event loop: a few milliseconds, also when they hold events to expand. */
const CHUNK = 64 * 1024;

interface Open {
  readonly name: string;
  text: string;
  readonly children: XmlElement[];
  readonly nameAttribute: string | null;
}

/**
 * Parses a document; each child of the root is handed out as soon as it is complete and not kept.
 * Returns the root's name. Refuses any DOCTYPE, so that no entity is ever defined. Throws {@link XmlError}.
 */
export async function parseXml(
  document: string,
  onChild: (child: XmlElement) => void,
  limits: XmlLimits = LIMITS,
): Promise<string> {
  if (document.length > limits.characters) throw new XmlError('the answer is too long');
  const parser = new SaxesParser({ xmlns: true, position: false });
  const open: Open[] = [];
  let root: string | null = null;
  let elements = 0;
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
    else if (open.length === 1) onChild(element);
  });
  const text = document.replace(/^\uFEFF/, '');
  for (let at = 0; at < text.length; at += CHUNK) {
    if (at > 0) await breathe();
    parser.write(text.slice(at, at + CHUNK));
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
