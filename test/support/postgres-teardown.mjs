export default async function stopTestPostgres() {
  const server = globalThis.unissonTestPostgres;
  if (!server) return;
  globalThis.unissonTestPostgres = undefined;
  delete process.env.UNISSON_TEST_POSTGRES;
  delete process.env.UNISSON_TEST_POSTGRES_LOG;
  await server.stop();
}
