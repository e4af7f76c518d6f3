import { createMockVendors } from './server.js';
import { parseSettings } from './settings.js';

const HOST = '127.0.0.1';

async function main(): Promise<void> {
  const { port, demo, data } = parseSettings(process.argv.slice(2));
  const app = createMockVendors({ demo, data });
  const stop = (): void => {
    void app.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  const url = await app.listen({ host: HOST, port });
  process.stdout.write(`mock-vendors ready on ${url}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`mock-vendors: ${error instanceof Error ? error.message : 'cannot start'}\n`);
  process.exitCode = 1;
});
