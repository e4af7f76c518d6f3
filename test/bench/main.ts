import { benchAccess } from './access.js';
import { benchAvailability } from './availability.js';
import { benchBooking } from './booking.js';
import { benchCaldav } from './caldav.js';
import { benchHostile } from './hostile.js';
import { benchPropagation } from './propagation.js';
import { benchRace } from './race.js';
import { benchRecurrence } from './recurrence.js';
import type { BenchResult } from './measure.js';

const BENCHES: Readonly<Record<string, (short: boolean) => Promise<BenchResult>>> = {
  access: benchAccess,
  availability: benchAvailability,
  booking: benchBooking,
  caldav: benchCaldav,
  hostile: benchHostile,
  propagation: benchPropagation,
  race: benchRace,
  recurrence: benchRecurrence,
};

const [name = '', ...flags] = process.argv.slice(2);
const bench = BENCHES[name];
if (bench === undefined) {
  process.stderr.write(
    `Which bench? ${Object.keys(BENCHES).join(', ')}. Flags: --json (one line), --short (only shows that it runs).\n`,
  );
  process.exit(2);
}
const result = await bench(flags.includes('--short'));
process.stdout.write(flags.includes('--json') ? `${JSON.stringify(result)}\n` : `${JSON.stringify(result, null, 2)}\n`);
