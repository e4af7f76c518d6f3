import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MailFailed, newId, OverbookingNotices, type Booked, type Mail, type Mailer } from '#application';
import { PgOverbookingStore } from '#persistence';
import { InHouseHub } from '../support/in-house-hub.js';

const HOUR = 3_600_000;
/** Ten o'clock UTC in twenty days, when the practice is closed. */
const START = Math.floor(Date.now() / 86_400_000) * 86_400_000 + 20 * 86_400_000 + 10 * HOUR;
const patient = { lastName: 'Zyxwvutsrq', firstName: 'Anne' };

class Letters implements Mailer {
  readonly sent: Mail[] = [];
  refuse = false;
  async send(mail: Mail): Promise<void> {
    if (this.refuse) throw new MailFailed('452 mailbox full');
    this.sent.push(mail);
  }
}

let house: InHouseHub;
let letters: Letters;
let notices: OverbookingNotices;

beforeAll(async () => {
  house = await InHouseHub.start();
});
afterAll(() => house.stop());
beforeEach(() => {
  letters = new Letters();
  const store = new PgOverbookingStore(house.hub.database);
  notices = new OverbookingNotices({ store, mailer: letters, fallback: 'permanence@example.org' });
});

async function overbook(): Promise<Booked> {
  const { organization, collaborator, agenda, motif } = house.practice;
  const answer = await house.hub.booking.book({
    organizationId: organization,
    id: newId(),
    actor: { kind: 'collaborator', id: collaborator, key: newId() },
    ...{ agendaId: agenda, motifId: motif, start: START, patient, key: null, waitMs: 5_000 },
    terms: { audience: 'SECRETARIAT', overbooking: 'Urgence Zyxwvutsrq' },
  });
  if (answer.outcome !== 'booked') throw new Error(JSON.stringify(answer));
  return answer;
}

const due = async (): Promise<boolean> =>
  (await house.hub.due.overbookings(100)).some(({ organizationId }) => organizationId === house.practice.organization);

describe('the practitioner is told of an overbooking', () => {
  it.each([
    ['full', 'Surnombre – ZYXWVUTSRQ Anne – Consultation'],
    ['initials', 'Surnombre – A.Z. – Consultation'],
    ['busy', 'Surnombre – Rendez-vous'],
  ] as const)('in his own agenda, as much as the link discloses (%s)', async (disclosure, title) => {
    await house.link([], { disclosure });
    expect((await overbook()).record).toMatchObject({ status: 'confirmed', overbooked: true });
    expect((await house.entries()).map((entry) => entry.title)).toEqual([title]);
    await house.pull('full');
    const events = await house.sql<{ type: string }>(`SELECT type FROM event WHERE type = 'appointment-retitled'`);
    expect(events).toEqual([]);
  });

  it('by one mail to those who answer for the connection, without anything of the patient', async () => {
    await house.link();
    await house.sql(`UPDATE connection SET responsible_name = 'Cabinet', responsible_email = 'cabinet@example.org'`);
    const { record } = await overbook();
    expect(await due()).toBe(true);
    await Promise.all([notices.tell(house.practice.organization), notices.tell(house.practice.organization)]);
    expect(letters.sent).toHaveLength(1);
    const [mail] = letters.sent;
    expect(mail).toMatchObject({ to: 'cabinet@example.org', subject: expect.stringContaining('surnombre') });
    expect(mail!.text).toContain(record.id);
    expect(mail!.text).toMatch(/\d{4}-\d{2}-\d{2} 1[12]:00/);
    expect(JSON.stringify(mail)).not.toMatch(/Zyx/i);
    await notices.tell(house.practice.organization);
    expect([letters.sent.length, await due()]).toEqual([1, false]);
  });

  it('again when it did not go out, and whoever gets alerts when the connection names nobody', async () => {
    await house.link();
    await overbook();
    letters.refuse = true;
    await notices.tell(house.practice.organization);
    const [kept] = await house.sql('SELECT error, told_at FROM overbooking_notice');
    expect(kept).toEqual({ error: '452 mailbox full', told_at: null });
    letters.refuse = false;
    await house.sql('UPDATE overbooking_notice SET due_at = now()');
    await notices.tell(house.practice.organization);
    expect(letters.sent.map(({ to }) => to)).toEqual(['permanence@example.org']);
  });
});
