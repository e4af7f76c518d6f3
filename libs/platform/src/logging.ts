import type { LoggerService } from '@nestjs/common';
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';

export type { Logger } from 'pino';

/** Fields that must never be written, at any of the first levels of what is logged. A second net: callers log ids only. */
const SECRET_FIELDS = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'secrets',
  'token',
  'apiKey',
  'credentials',
  'settings',
  'patient',
  'lastName',
  'firstName',
  'birthDate',
  'phone',
  'email',
  'body',
  'rawBody',
  'headers',
];

const REDACTED = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);

const codeOf = (error: Error): string | undefined =>
  'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** What of an error is written: never the row, query or parameters that database errors carry. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const cause = error.cause instanceof Error ? { cause: describeError(error.cause) } : {};
  return { type: error.name, message: error.message, code: codeOf(error), stack: error.stack, ...cause };
}

/** The process's logger: JSON lines, bodies and secrets never in them. */
export function createLogger(options: { level: string; name: string }, destination?: DestinationStream): Logger {
  const settings = {
    name: options.name,
    level: options.level,
    base: { name: options.name, pid: process.pid },
    redact: { paths: REDACTED, censor: '[redacted]' },
    serializers: { err: describeError, error: describeError },
  };
  return destination ? pino(settings, destination) : pino(settings);
}

/** Nest's own messages, on the same logger. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.logger.debug(this.context(rest), asText(message));
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.logger.warn(this.context(rest), asText(message));
  }

  error(message: unknown, ...rest: unknown[]): void {
    const err = [message, ...rest].find((part) => part instanceof Error);
    this.logger.error({ ...this.context(rest), ...(err ? { err } : {}) }, asText(message));
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.logger.fatal(this.context(rest), asText(message));
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.logger.debug(this.context(rest), asText(message));
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.logger.trace(this.context(rest), asText(message));
  }

  private context(rest: readonly unknown[]): { context?: string } {
    const last = rest.at(-1);
    return typeof last === 'string' ? { context: last } : {};
  }
}

function asText(message: unknown): string {
  if (typeof message === 'string') return message;
  return message instanceof Error ? message.message : 'event';
}
