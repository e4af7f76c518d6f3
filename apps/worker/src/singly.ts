/**
 * One run per key at a time in this process. A call that finds one under way asks it for one more run and returns: it
 * neither loses what it came for nor occupies a worker while a slow backend is waited for.
 */
export class Singly {
  private readonly running = new Map<string, { again: boolean }>();

  async run(key: string, work: () => Promise<void>): Promise<void> {
    const current = this.running.get(key);
    if (current !== undefined) {
      current.again = true;
      return;
    }
    const mine = { again: true };
    this.running.set(key, mine);
    try {
      while (mine.again) {
        mine.again = false;
        await work();
      }
    } finally {
      this.running.delete(key);
    }
  }
}
