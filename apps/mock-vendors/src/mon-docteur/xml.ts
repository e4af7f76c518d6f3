import { SaxesParser } from 'saxes';

/** An element as a request carries it. */
export interface Node {
  readonly name: string;
  text: string;
  readonly children: Node[];
}

/** Parses a request; refuses a document type, so that no entity is ever defined. `null`: not usable. */
export function readXml(document: string): Node | null {
  const parser = new SaxesParser({ position: false });
  const open: Node[] = [];
  let root: Node | null = null;
  let refused = false;
  const refuse = (): void => {
    refused = true;
  };
  parser.on('doctype', refuse);
  parser.on('error', refuse);
  parser.on('opentag', ({ name }) => {
    const node: Node = { name, text: '', children: [] };
    open.at(-1)?.children.push(node);
    root ??= node;
    open.push(node);
  });
  parser.on('text', (text) => {
    const node = open.at(-1);
    if (node) node.text += text;
  });
  parser.on('closetag', () => {
    open.pop();
  });
  parser.write(document).close();
  return refused ? null : root;
}

/** The fields of a request, by name. */
export function fieldsOf(node: Node): Readonly<Record<string, string>> {
  return Object.fromEntries(node.children.map(({ name, text }) => [name, text]));
}

/** What is written: attributes first, then text or elements. */
export interface Written {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string | number>>;
  readonly content?: string | readonly Written[];
}

export function writeXml(root: Written): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(root)}`;
}

function element({ name, attributes = {}, content = [] }: Written): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(String(value))}"`);
  const inside = typeof content === 'string' ? escaped(content) : content.map(element).join('');
  return `<${name}${written.join('')}>${inside}</${name}>`;
}

function escaped(text: string): string {
  const plain: Record<string, string> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;', '\n': '&#10;' };
  return text.replace(/[<>&"\n]/g, (character) => plain[character] ?? '');
}
