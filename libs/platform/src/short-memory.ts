/** Remembers values for a while, and at most so many: the oldest goes first. Not for what must be forgotten at once. */
export class ShortMemory<T> {
  private readonly entries = new Map<string, { readonly value: T; readonly until: number }>();

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

  set(name: string, value: T): void {
    this.entries.delete(name);
    const [oldest] = this.entries.keys();
    if (this.entries.size >= this.max && oldest !== undefined) this.entries.delete(oldest);
    this.entries.set(name, { value, until: this.now() + this.lifetimeMs });
  }
}
