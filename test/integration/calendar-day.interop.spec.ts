import { calendarDays } from './calendar-day.suite.js';

calendarDays({ edits: 200, bookings: 100 });
