/** How the simulators are started; everything comes from the command line. */
export interface Settings {
  /** 0 = any free port. */
  readonly port: number;
  /** True: make the demonstration agendas. */
  readonly demo: boolean;
  /** Folder in which agendas survive a restart; `null` = memory only. */
  readonly data: string | null;
}

const DEFAULT_PORT = 4010;

/** Reads `--port=4010 --demo --data=<folder>`. Throws with one sentence about everything that is wrong. */
export function parseSettings(argv: readonly string[]): Settings {
  let settings: Settings = { port: DEFAULT_PORT, demo: false, data: null };
  const problems: string[] = [];
  for (const argument of argv) {
    const [, name, value] = /^--([a-z]+)(?:=(.*))?$/.exec(argument) ?? [];
    if (name === 'demo' && value === undefined) settings = { ...settings, demo: true };
    else if (name === 'data' && value) settings = { ...settings, data: value };
    else if (name === 'port' && isPort(value)) settings = { ...settings, port: Number(value) };
    else problems.push(argument);
  }
  if (problems.length > 0) {
    throw new Error(`not understood: ${problems.join(' ')} (use --port=<0-65535> --demo --data=<folder>)`);
  }
  return settings;
}

function isPort(value: string | undefined): boolean {
  return value !== undefined && /^\d{1,5}$/.test(value) && Number(value) <= 65_535;
}
