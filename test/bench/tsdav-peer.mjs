// One step of a synchronisation with tsdav, as its documentation shows it; plain JavaScript, as its users run it.
// argv: url, user, password, calendar path, file of the state, step. Prints { seconds, objects, changed }.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createDAVClient } from 'tsdav';

const [url, username, password, path, file, step] = process.argv.slice(2);
const from = performance.now();
const client = await createDAVClient({
  serverUrl: url,
  credentials: { username, password },
  authMethod: 'Basic',
  defaultAccountType: 'caldav',
});
let state = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
if (step === 'full') {
  const calendars = await client.fetchCalendars();
  const calendar = calendars.find((each) => new URL(each.url).pathname === path);
  const objects = await client.fetchCalendarObjects({ calendar });
  state = { calendar, objects };
} else {
  const collection = { ...state.calendar, objects: state.objects, objectMultiGet: client.calendarMultiGet };
  const synced = await client.smartCollectionSync({ collection, method: 'webdav', detailedResult: true });
  const { created, updated, deleted } = synced.objects;
  const gone = new Set([...updated, ...deleted].map((each) => each.url));
  state = {
    calendar: { ...state.calendar, syncToken: synced.syncToken },
    objects: [...state.objects.filter((each) => !gone.has(each.url)), ...created, ...updated],
    changed: created.length + updated.length,
  };
}
const seconds = (performance.now() - from) / 1000;
writeFileSync(file, JSON.stringify(state));
process.stdout.write(
  JSON.stringify({
    seconds,
    objects: state.objects.length,
    changed: state.changed ?? 0,
  }),
);
