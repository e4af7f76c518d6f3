import { calendarDays } from './calendar-day.suite.js';

/** What runs before each landing. */
calendarDays({ edits: 30, bookings: 15 }, ['Radicale', 'Xandikos']);
