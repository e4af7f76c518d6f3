/** Whether this process still takes work. Once draining it never goes back. */
export class Drain {
  private readonly listeners = new Set<() => void>();
  private begun = false;

  get draining(): boolean {
    return this.begun;
  }

  /** Calls back once when draining begins; returns how to stop listening. */
  onBegin(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  begin(): void {
    if (this.begun) return;
    this.begun = true;
    for (const listener of this.listeners) listener();
    this.listeners.clear();
  }
}
