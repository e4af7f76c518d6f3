/** Counts what runs for each of several owners, and leaves out what would be more than an owner's share. */
export class Shares<Owner extends string> {
  private readonly running = new Map<string, number>();

  /** The most runs at once, by kind of owner. */
  constructor(private readonly most: Readonly<Record<Owner, number>>) {}

  /** Runs `work`, unless one of its owners has its share already: then false, at once. */
  async run(owners: Readonly<Record<Owner, string>>, work: () => Promise<unknown>): Promise<boolean> {
    const kinds = Object.keys(this.most) as Owner[];
    const keys = kinds.map((kind) => ({ key: `${kind} ${owners[kind]}`, most: this.most[kind] }));
    if (keys.some(({ key, most }) => this.of(key) >= most)) return false;
    for (const { key } of keys) this.running.set(key, this.of(key) + 1);
    try {
      await work();
      return true;
    } finally {
      for (const { key } of keys) this.leave(key);
    }
  }

  private of(key: string): number {
    return this.running.get(key) ?? 0;
  }

  private leave(key: string): void {
    if (this.of(key) > 1) this.running.set(key, this.of(key) - 1);
    else this.running.delete(key);
  }
}
