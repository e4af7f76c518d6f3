import { z } from 'zod';
import { placeInput } from '../appointments/appointments.schemas.js';

const DEFAULT_SECONDS = 300;

const secondsInput = z
  .int()
  .min(10)
  .max(900)
  .default(DEFAULT_SECONDS)
  .meta({ description: 'How long the slot is kept while the patient is on the phone.' });

export const holdInput = z
  .strictObject({
    ...placeInput,
    newPatient: z.boolean().optional().meta({ description: 'Whether the visit is that of a new patient.' }),
    seconds: secondsInput,
  })
  .meta({ id: 'NewHold' });

export const renewInput = z.strictObject({ seconds: secondsInput }).meta({ id: 'HoldRenewalInput' });
