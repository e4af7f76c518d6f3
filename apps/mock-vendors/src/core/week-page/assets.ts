export const STYLE = `
:root { font: 16px/1.4 system-ui, sans-serif; color: #1d2733; background: #f6f7f9; }
body { margin: 0 auto; max-width: 96rem; padding: 0 1rem 3rem; }
header { display: flex; flex-wrap: wrap; gap: .75rem 1.25rem; align-items: center; padding: 1rem 0; }
h1 { font-size: 1.2rem; margin: 0; } h2 { font-size: 1.1rem; } h2::first-letter { text-transform: uppercase; }
h2 small { font-weight: normal; color: #5a6775; }
#where { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
input, select, button { font: inherit; padding: .3rem .5rem; border: 1px solid #8b97a4; border-radius: 4px; background: #fff; color: inherit; }
button { cursor: pointer; } #add, dialog button[type=submit] { background: #12507f; border-color: #12507f; color: #fff; }
.danger { color: #a11d1d; border-color: #a11d1d; } .step { font-size: 1.4rem; text-decoration: none; padding: 0 .5rem; }
a { color: #12507f; } .hidden { position: absolute; clip-path: inset(50%); } #message:empty { display: none; }
#message { background: #fff4d6; border: 1px solid #c99a1c; border-radius: 4px; padding: .5rem .75rem; }
.empty { color: #5a6775; }
.week { display: grid; grid-template-columns: repeat(7, minmax(9rem, 1fr)); gap: .4rem; overflow-x: auto; }
.week h3 { font-size: .9rem; margin: .2rem 0; } .week h3::first-letter { text-transform: uppercase; }
.grid { position: relative; background: #fff; border: 1px solid #cfd6dd; border-radius: 4px; cursor: copy; }
.hour { position: absolute; left: 0; right: 0; border-top: 1px solid #e3e8ed; pointer-events: none; }
.hour span { font-size: .8rem; color: #5a6775; padding-left: .4rem; }
.entry { position: absolute; box-sizing: border-box; overflow: hidden; text-align: left; padding: 0 .4rem; font-size: .9rem; line-height: 1.25; }
.entry.practitioner { background: #e5f0e4; border-color: #4c8147; } .entry.patient { background: #f7ead9; border-color: #a5692f; } .entry.api { background: #dfeaf6; border-color: #2f6ea5; border-left-width: 5px; }
:focus-visible { outline: 3px solid #f2a900; outline-offset: 1px; }
dialog { border: 1px solid #8b97a4; border-radius: 8px; width: min(26rem, 90vw); } dialog::backdrop { background: #0006; }
dialog label { display: block; margin: .6rem 0; } dialog input { display: block; width: 100%; box-sizing: border-box; }
.buttons { display: flex; gap: .5rem; }
`;

export const SCRIPT = `
const texts = JSON.parse(document.getElementById('texts').textContent);
const week = document.getElementById('week');
const base = document.documentElement.dataset.base;
const editor = document.getElementById('editor');
const form = editor.querySelector('form');
const where = document.getElementById('where');
const message = document.getElementById('message');
const agendaId = where.elements.agenda.value;
let editing = null;

where.addEventListener('change', () => where.submit());

function open(values) {
  editing = values.id ? values : null;
  document.getElementById('editor-title').textContent = editing ? texts.edit : texts.add;
  document.getElementById('remove').hidden = !editing;
  for (const name of ['title', 'date', 'time', 'minutes']) form.elements[name].value = values[name];
  editor.showModal();
  form.elements.title.focus();
}

const fresh = (date, time) => open({ title: '', date, time, minutes: 30 });
document.getElementById('add').addEventListener('click', () => fresh(where.elements.date.value, '09:00'));
document.getElementById('close').addEventListener('click', () => editor.close());

week.addEventListener('click', (event) => {
  const entry = event.target.closest('.entry');
  if (entry) return open({ ...entry.dataset });
  const grid = event.target.closest('.grid');
  if (!grid) return;
  const quarter = Math.floor((event.clientY - grid.getBoundingClientRect().top) / 1.1 / 15) * 15;
  const labels = [...grid.querySelectorAll('.hour span')];
  const hour = labels[Math.floor(quarter / 60)]?.textContent ?? '09:00';
  fresh(grid.dataset.date, hour.slice(0, 3) + String(quarter % 60).padStart(2, '0'));
});

async function post(body) {
  const answer = await fetch(base + '/page/edit', {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  const code = answer.ok ? null : (await answer.json()).error.code;
  if (code === 'overlap' && !body.force && confirm(texts.overlap)) return post({ ...body, force: true });
  if (code === 'overlap') return false;
  message.textContent = code === null ? '' : code === 'version_mismatch' || code === 'entry_unknown' ? texts.changed : texts.failed + ' ' + code;
  if (code === null || message.textContent === texts.changed) editor.close();
  await refresh(true);
  return code === null;
}

const at = () => (editing ? { id: editing.id, ...(editing.version ? { version: Number(editing.version) } : {}) } : {});
form.addEventListener('submit', (event) => {
  event.preventDefault();
  const { title, date, time, minutes } = form.elements;
  void post({
    action: editing ? 'change' : 'create', agendaId, ...at(),
    title: title.value, date: date.value, time: time.value, minutes: Number(minutes.value),
  });
});
document.getElementById('remove').addEventListener('click', () => {
  if (confirm(texts.confirmRemove)) void post({ action: 'delete', agendaId, ...at() });
});

async function refresh(always) {
  if (editor.open && !always) return;
  try {
    const url = new URL(location.href);
    url.searchParams.set('agenda', agendaId);
    url.searchParams.set('date', where.elements.date.value);
    url.searchParams.set('fragment', '1');
    const html = await (await fetch(url)).text();
    if (message.textContent === texts.lost) message.textContent = '';
    if (html === refresh.last || (editor.open && !always)) return;
    const focused = document.activeElement?.dataset?.id;
    refresh.last = html;
    week.innerHTML = html;
    if (focused) week.querySelector('[data-id="' + CSS.escape(focused) + '"]')?.focus();
  } catch {
    message.textContent = texts.lost;
  }
}
setInterval(refresh, 2000);
`;
