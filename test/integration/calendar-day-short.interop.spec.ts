import { calendarDays } from './calendar-day.suite.js';

/** What runs before each landing. */
calendarDays({ edits: 40, bookings: 20 }, ['Radicale', 'Xandikos', 'Cyrus']);
