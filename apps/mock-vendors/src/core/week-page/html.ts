import { Temporal } from 'temporal-polyfill';
import type { DiaryAgenda, DiaryEntry } from '../diary.js';
import { dateOf, timeOf, type Day, type PlacedEntry, type Week } from './day.js';
import { TEXTS, type Language, type Texts } from './texts.js';

/** All that one page shows. */
export interface PageView extends Frame {
  readonly agendas: readonly DiaryAgenda[];
  readonly agenda: DiaryAgenda;
  readonly week: Week;
}

/** What every page has. */
export interface Frame {
  readonly language: Language;
  /** The software's name. */
  readonly title: string;
  /** Path under which the vendor lives. */
  readonly base: string;
}

const AUTHORS = { practitioner: 'byPractitioner', patient: 'byPatient', api: 'byApi' } as const satisfies Record<
  DiaryEntry['by'],
  keyof Texts
>;

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${String(character.charCodeAt(0))};`);
}

/** The whole page. */
export function renderPage(view: PageView): string {
  const texts = TEXTS[view.language];
  return shell(
    view,
    `${view.title} · ${view.agenda.name}`,
    `${header(view, texts)}
<p id="message" role="status" aria-live="polite"></p>
<main id="week">${renderWeek(view)}</main>
${dialog(texts)}
<script type="application/json" id="texts">${JSON.stringify(texts).replaceAll('<', '\\u003c')}</script>
<script src="${view.base}/page.js" defer></script>`,
  );
}

export function renderEmpty(frame: Frame): string {
  const title = escaped(frame.title);
  return shell(
    frame,
    frame.title,
    `<header><h1>${title}</h1></header><main><p>${TEXTS[frame.language].noAgenda}</p></main>`,
  );
}

/** The week alone: what the page fetches again every few seconds. */
export function renderWeek({ language, agenda, week }: PageView): string {
  const texts = TEXTS[language];
  const isEmpty = week.days.every(({ entries }) => entries.length === 0);
  return `<h2><small>${texts.zone} ${escaped(agenda.zone)}</small></h2>
${isEmpty ? `<p class="empty">${texts.empty}</p>` : ''}
<div class="week">${week.days.map((day) => renderDay(day, agenda.zone, language)).join('\n')}</div>`;
}

function renderDay(day: Day, zone: string, language: Language): string {
  const heading = Temporal.PlainDate.from(day.date).toLocaleString(language, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
  });
  const hours = day.hours
    .map(({ label, topMinutes }) => `<div class="hour" style="top:${px(topMinutes)}"><span>${label}</span></div>`)
    .join('');
  const entries = day.entries.map((placed) => renderEntry(placed, zone, TEXTS[language])).join('\n');
  return `<section><h3>${escaped(heading)}</h3>
<div class="grid" data-date="${day.date}" style="height:${px(day.minutes)}">${hours}
${entries}</div></section>`;
}

function renderEntry(
  { entry, topMinutes, heightMinutes, column, columns }: PlacedEntry,
  zone: string,
  texts: Texts,
): string {
  const start = timeOf(entry.start, zone);
  const end = timeOf(entry.end, zone);
  const title = entry.title === '' ? texts.untitled : entry.title;
  const data = {
    id: entry.id,
    ...(entry.version === undefined ? {} : { version: entry.version }),
    date: dateOf(entry.start, zone),
    time: start,
    minutes: Math.round((entry.end - entry.start) / 60_000),
    title: entry.title,
  };
  const attributes = Object.entries(data).map(([name, value]) => `data-${name}="${escaped(String(value))}"`);
  const width = 100 / columns;
  const style = `top:${px(topMinutes)};height:${px(Math.max(heightMinutes, 18))};left:calc(3.5rem + (100% - 3.5rem) * ${String((width * column) / 100)});width:calc((100% - 3.5rem) * ${String(width / 100)} - 4px)`;
  const author = texts[AUTHORS[entry.by]];
  return `<button class="entry ${entry.by}" style="${style}" ${attributes.join(' ')} title="${author}">
<b>${start}–${end}</b> ${escaped(title)}</button>`;
}

function header({ language, title, agendas, agenda, week }: PageView, texts: Texts): string {
  const link = (date: string): string =>
    `?agenda=${encodeURIComponent(agenda.id)}&amp;date=${date}&amp;lang=${language}`;
  const options = agendas.map(
    ({ id, name }) => `<option value="${escaped(id)}"${id === agenda.id ? ' selected' : ''}>${escaped(name)}</option>`,
  );
  const other = language === 'fr' ? { code: 'en', name: 'English' } : { code: 'fr', name: 'Français' };
  return `<header>
<h1>${escaped(title)}</h1>
<form id="where" method="get">
<input type="hidden" name="lang" value="${language}">
<label>${texts.agenda} <select name="agenda">${options.join('')}</select></label>
<a class="step" href="${link(week.previous)}" aria-label="${texts.previous}">‹</a>
<label><span class="hidden">${texts.date}</span><input type="date" name="date" value="${week.date}"></label>
<a class="step" href="${link(week.next)}" aria-label="${texts.next}">›</a>
<a href="?agenda=${encodeURIComponent(agenda.id)}&amp;lang=${language}">${texts.today}</a>
</form>
<button id="add" type="button">${texts.add}</button>
<a href="?agenda=${encodeURIComponent(agenda.id)}&amp;date=${week.date}&amp;lang=${other.code}" lang="${other.code}">${other.name}</a>
</header>`;
}

function dialog(texts: Texts): string {
  return `<dialog id="editor" aria-labelledby="editor-title"><form>
<h2 id="editor-title"></h2>
<label>${texts.title}<input name="title" maxlength="500" autocomplete="off"></label>
<label>${texts.date}<input name="date" type="date" required></label>
<label>${texts.start}<input name="time" type="time" required></label>
<label>${texts.minutes}<input name="minutes" type="number" min="1" max="1440" required></label>
<p class="buttons"><button type="submit">${texts.save}</button>
<button type="button" id="remove" class="danger">${texts.remove}</button>
<button type="button" id="close">${texts.cancel}</button></p>
</form></dialog>`;
}

function shell({ language, base }: Frame, title: string, body: string): string {
  return `<!doctype html>
<html lang="${language}" data-base="${base}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title><link rel="stylesheet" href="${base}/page.css"><link rel="icon" href="data:,"></head>
<body>${body}</body></html>`;
}

function px(minutes: number): string {
  return `${(minutes * 1.1).toFixed(1)}px`;
}
