/** Remembers values for a while, and at most so many: the oldest goes first. Not for what must be forgotten at once. */
export class ShortMemory<T> {
  private readonly entries = new Map<string, { readonly value: T; readonly until: number }>();
  private readonly asked = new Map<string, Promise<T>>();

  constructor(
    private readonly lifetimeMs: number,
    private readonly max: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  get(name: string): T | undefined {
    const entry = this.entries.get(name);
    if (!entry) return undefined;
    if (entry.until > this.now()) return entry.value;
    this.entries.delete(name);
    return undefined;
  }

  /**
   * What is remembered, or what `find` answers: one answer for all who want it meanwhile. Where it fails, nothing is
   * remembered, and each of them asks for himself.
   */
  async find(name: string, find: () => Promise<T>): Promise<T> {
    const known = this.get(name);
    if (known !== undefined) return known;
    return this.asked.get(name)?.catch(() => this.ask(name, find)) ?? this.ask(name, find);
  }

  private async ask(name: string, find: () => Promise<T>): Promise<T> {
    const asked = find();
    this.asked.set(name, asked);
    try {
      const found = await asked;
      this.set(name, found);
      return found;
    } finally {
      if (this.asked.get(name) === asked) this.asked.delete(name);
    }
  }

  set(name: string, value: T): void {
    this.entries.delete(name);
    const [oldest] = this.entries.keys();
    if (this.entries.size >= this.max && oldest !== undefined) this.entries.delete(oldest);
    this.entries.set(name, { value, until: this.now() + this.lifetimeMs });
  }
}
