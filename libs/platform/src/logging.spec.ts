import { describe, expect, test } from '@jest/globals';
import { createLogger, NestLogger } from './logging.js';
import type { Logger } from './logging.js';

function recorder(): { logger: Logger; text(): string } {
  const lines: string[] = [];
  const logger = createLogger({ level: 'trace', name: 'test' }, { write: (line) => void lines.push(line) });
  return { logger, text: () => lines.join('') };
}

describe('logging', () => {
  test('redacts secrets and patients wherever they are handed over by mistake', () => {
    const { logger, text } = recorder();
    logger.info(
      { request: { headers: { authorization: 'Bearer CANARY1' } }, body: { patient: { lastName: 'CANARY2' } } },
      'x',
    );
    logger.info(
      { password: 'CANARY3', connection: { secrets: { token: 'CANARY4' } }, patient: { phone: 'CANARY5' } },
      'x',
    );
    expect(text()).not.toContain('CANARY');
  });

  test('writes of a database error neither row nor parameters', () => {
    const { logger, text } = recorder();
    const error = Object.assign(new Error('duplicate key'), {
      code: '23505',
      detail: 'Key (phone)=(CANARY)',
      where: 'CANARY',
      parameters: ['CANARY'],
      query: 'CANARY',
    });
    logger.error({ err: error }, 'failed');
    new NestLogger(logger).error(error);
    expect(text()).toContain('23505');
    expect(text()).not.toContain('CANARY');
  });

  test('keeps a forged line on one line', () => {
    const { logger, text } = recorder();
    new NestLogger(logger).warn('a\n{"level":60,"msg":"forged"}\r\n', 'Context');
    expect(text().trimEnd().split('\n')).toHaveLength(1);
  });
});
