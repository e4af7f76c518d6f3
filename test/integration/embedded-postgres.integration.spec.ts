import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { startPostgres, type PostgresServer } from '../../scripts/postgres.mjs';

const MODULE = pathToFileURL(path.resolve(import.meta.dirname, '../../scripts/postgres.mjs')).href;

const folders: string[] = [];
const servers: PostgresServer[] = [];

const folder = (): string => {
  const made = mkdtempSync(path.join(tmpdir(), 'unisson-embedded-'));
  folders.push(made);
  return made;
};

async function start(options: Parameters<typeof startPostgres>[0]): Promise<PostgresServer> {
  const server = await startPostgres(options);
  servers.push(server);
  return server;
}

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<{ value: unknown }>(sql)).rows[0]?.value;
  } finally {
    await client.end();
  }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
});

describe('the embedded PostgreSQL', () => {
  it('keeps what was committed over a restart, a power cut and a new start in the same folder', async () => {
    const dir = folder();
    const server = await start({ dir });
    await ask(server.url(), 'CREATE TABLE kept (value int)');
    await ask(server.url(), 'INSERT INTO kept VALUES (1)');
    await server.restart();
    await ask(server.url(), 'INSERT INTO kept VALUES (2)');
    await server.crash();
    await expect(ask(server.url(), 'SELECT 1')).rejects.toThrow();
    await server.start();
    await server.stop();
    const again = await start({ dir });
    expect(await ask(again.url(), 'SELECT count(*)::int AS value FROM kept')).toBe(2);
  });

  it('answers nothing while frozen, and goes on when thawed', async () => {
    const server = await start({ durable: false });
    server.freeze();
    const answer = ask(server.url(), 'SELECT 1 AS value');
    expect(await Promise.race([answer, sleep(300, 'silence')])).toBe('silence');
    server.thaw();
    expect(await answer).toBe(1);
  });

  it('lets nobody in without the password when there is one', async () => {
    const server = await start({ durable: false, password: 'right' });
    expect(await ask(server.url(), 'SELECT 1 AS value')).toBe(1);
    await expect(ask(server.urlFor('postgres', 'postgres', 'wrong'), 'SELECT 1')).rejects.toThrow(/authentication/);
  });

  it('removes its temporary folder', async () => {
    const server = await start({ durable: false });
    expect(existsSync(server.dir)).toBe(true);
    await server.stop();
    expect(existsSync(server.dir)).toBe(false);
  });

  it('ends when its launcher is killed, and the folder can be used again', async () => {
    const dir = folder();
    const script = `const { startPostgres } = await import(${JSON.stringify(MODULE)});
      const server = await startPostgres({ dir: ${JSON.stringify(dir)} });
      console.log(server.pid);
      setInterval(() => {}, 1000);`;
    const launcher = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    const pid = await new Promise<number>((resolve) => {
      launcher.stdout.once('data', (chunk: Buffer) => {
        resolve(Number(chunk.toString()));
      });
    });
    launcher.kill('SIGKILL');
    const server = await start({ dir });
    // Dead at once; whoever has inherited it may take a moment to say so.
    for (let look = 0; look < 100 && isAlive(pid); look += 1) await sleep(100);
    expect(isAlive(pid)).toBe(false);
    expect(await ask(server.url(), 'SELECT 1 AS value')).toBe(1);
  });

  it('says in one sentence that its data directory is broken', async () => {
    const dir = folder();
    const server = await start({ dir });
    await server.stop();
    rmSync(path.join(dir, 'data/global/pg_control'));
    await expect(start({ dir })).rejects.toThrow(/^PostgreSQL did not start \(.*\)\. Its log is .*log\.$/);
    rmSync(path.join(dir, 'data/PG_VERSION'));
    await expect(start({ dir })).rejects.toThrow(/is broken/);
  });

  it('says in one sentence that its folder cannot be made', async () => {
    const file = path.join(folder(), 'file');
    writeFileSync(file, '');
    await expect(start({ dir: path.join(file, 'postgres') })).rejects.toThrow(/^Cannot write to /);
  });
});
