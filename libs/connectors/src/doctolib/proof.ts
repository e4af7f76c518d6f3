import { proven, type CallOptions } from '#connector-sdk';
import type { Client } from './client.js';
import { appointment, type Appointment } from './schemas.js';

export function get(client: Client, id: string | number, options: CallOptions): Promise<Appointment> {
  return client.json(appointment, { method: 'GET', path: `/partner/v1/appointments/${String(id)}` }, options);
}

/** The write was accepted; whatever now prevents reading it leaves its outcome unproven. */
export function readBack(client: Client, id: string | number, options: CallOptions): Promise<Appointment> {
  return proven('the appointment was written but could not be read back', get(client, id, options));
}
