import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chromium, type Browser, type Page } from 'playwright-core';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { VendorAgenda } from '../support/vendor-agenda.js';
import { VENDOR_ROWS, type VendorRow } from '../support/vendor-rows.js';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const MINUTE = 60_000;
const DAY = '2027-01-19';
const at = (time: string, day = DAY): number => Date.parse(`${day}T${time}:00+01:00`);
const HOSTILE = `<img src=x onerror="document.title='pris'"><script>document.title='pris'</script> L’Été & "Cie"`;

function installed(): string | null {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  for (const file of NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name)))) {
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not there.
    }
  }
  return null;
}

const executablePath = installed();
const inBrowser = executablePath === null ? describe.skip : describe;

/** A practitioner at his own tool, in a real browser, with hands that use the keyboard alone. */
inBrowser(`the practitioner's week, in ${path.basename(executablePath ?? 'chromium, which is not installed')}`, () => {
  const vendors = createMockVendors();
  let origin: string;
  let browser: Browser;

  beforeAll(async () => {
    origin = await vendors.listen({ host: '127.0.0.1', port: 0 });
    // Nothing but our own pages is opened, and root may not have a sandbox.
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await vendors.close();
  });

  /** Opens the week, and tells afterwards what the browser complained of. */
  async function opened(row: VendorRow): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage({ locale: 'fr-FR' });
    page.setDefaultTimeout(10_000);
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', ({ message }) => complaints.push(message));
    page.on('dialog', (dialog) => void dialog.accept());
    const agenda = encodeURIComponent(row.diaryAgendaId ?? row.agendaId);
    await page.goto(`${origin}/${row.id}/?agenda=${agenda}&date=${DAY}`);
    return { page, complaints };
  }

  /** As somebody without a mouse gets there. */
  async function tabTo(page: Page, name: RegExp): Promise<void> {
    for (let count = 0; count < 60; count += 1) {
      await page.keyboard.press('Tab');
      const label = await page.evaluate<string>(`document.activeElement?.closest('button')?.textContent ?? ''`);
      if (name.test(label)) return;
    }
    throw new Error(`${String(name)} cannot be reached by keyboard`);
  }

  async function fillIn(page: Page, values: Record<string, string>): Promise<void> {
    const editor = page.getByRole('dialog');
    for (const [label, value] of Object.entries(values)) await editor.getByLabel(label, { exact: true }).fill(value);
    await editor.getByRole('button', { name: 'Enregistrer' }).press('Enter');
    await editor.waitFor({ state: 'hidden' });
  }

  it.each(VENDOR_ROWS)('is read and edited at $id', async (row) => {
    const agenda = new VendorAgenda(row, origin);
    await agenda.begin();
    await agenda.put('practitioner', { start: at('11:00'), end: at('11:30'), title: HOSTILE });
    const standing = async (): Promise<unknown[]> =>
      (await agenda.standing())
        .map(({ start, end, title }) => [start, (end - start) / MINUTE, title])
        .sort(([one], [other]) => Number(one) - Number(other));
    const his = [at('11:00'), 30, HOSTILE];
    const { page, complaints } = await opened(row);

    expect(await page.locator('html').getAttribute('lang')).toBe('fr');
    const week = page.getByRole('main');
    expect(await week.getByRole('heading', { level: 3 }).allTextContents()).toEqual(
      ['lundi 18', 'mardi 19', 'mercredi 20', 'jeudi 21', 'vendredi 22', 'samedi 23', 'dimanche 24'].map(
        (day) => `${day} janvier 2027`,
      ),
    );
    expect(await week.getByRole('button').allInnerTexts()).toEqual([`11:00–11:30 ${HOSTILE}`]);
    expect([await week.locator('img, script').count(), await page.title()]).toEqual([
      0,
      expect.not.stringContaining('pris'),
    ]);
    for (const name of ['Semaine précédente', 'Semaine suivante', 'Aujourd’hui', 'English'])
      expect(await page.getByRole('link', { name }).count()).toBe(1);

    await tabTo(page, /^Ajouter une entrée$/);
    await page.keyboard.press('Enter');
    await page.keyboard.type('Mme Ève Brûlé');
    await fillIn(page, { Date: DAY, Début: '09:00', 'Durée (minutes)': '20' });
    await week.getByRole('button', { name: 'Mme Ève Brûlé' }).waitFor();
    expect(await standing()).toEqual([[at('09:00'), 20, 'Mme Ève Brûlé'], his]);

    await tabTo(page, /Mme Ève Brûlé/);
    await page.keyboard.press('Enter');
    await fillIn(page, { Date: '2027-01-20', Début: '14:15' });
    await week.getByRole('button', { name: '14:15–14:35 Mme Ève Brûlé' }).waitFor();
    expect(await standing()).toEqual([his, [at('14:15', '2027-01-20'), 20, 'Mme Ève Brûlé']]);

    await tabTo(page, /Mme Ève Brûlé/);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByRole('button', { name: 'Supprimer' }).press('Enter');
    await week.getByRole('button', { name: 'Mme Ève Brûlé' }).waitFor({ state: 'detached' });
    expect(await standing()).toEqual([his]);

    await agenda.put('practitioner', { start: at('16:00'), end: at('16:30'), title: 'Réunion' });
    await week.getByRole('button', { name: '16:00–16:30 Réunion' }).waitFor();
    await page.getByRole('link', { name: 'Semaine suivante' }).press('Enter');
    await page.getByText('Rien cette semaine-là.').waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  });
});
