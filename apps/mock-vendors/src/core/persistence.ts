import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';

const SAVE_AFTER_MS = 100;

/** What can be written to a file as JSON, and read back. */
export interface Keepable<Snapshot> {
  snapshot(): Snapshot;
  restore(snapshot: Snapshot): void;
}

/** Keeps a vendor's state in a file, so that a demonstration survives a restart. */
export function persist<Snapshot>(scope: FastifyInstance, store: Keepable<Snapshot>, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${scope.prefix.slice(1)}.json`);
  if (existsSync(path)) store.restore(JSON.parse(readFileSync(path, 'utf8')) as Snapshot);
  let timer: NodeJS.Timeout | undefined;
  const save = (): void => {
    timer = undefined;
    try {
      writeFileSync(`${path}.new`, JSON.stringify(store.snapshot()), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    } catch {
      // A lost folder must neither end the simulator nor keep it from ending.
      process.stderr.write(`mock-vendors: cannot keep the agendas in ${folder}\n`);
    }
  };
  scope.addHook('onResponse', (request, _reply, done) => {
    if (request.method !== 'GET') timer ??= setTimeout(save, SAVE_AFTER_MS);
    done();
  });
  scope.addHook('onClose', () => {
    clearTimeout(timer);
    save();
  });
}
