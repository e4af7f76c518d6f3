/** What a person reads once the hub runs. */
export async function describeHub({ ports, demonstration, databaseUrl }) {
  const api = `http://127.0.0.1:${ports.api}`;
  const vendors = `http://127.0.0.1:${ports.vendors}`;
  return `
Unisson runs.
  API           ${api}/v1        (documentation: ${api}/docs)
  Simulators    ${vendors}
  PostgreSQL    ${databaseUrl}
${JSON.stringify(demonstration, null, 2)}
`;
}
