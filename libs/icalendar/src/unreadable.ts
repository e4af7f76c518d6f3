/** An object that cannot be understood. The message says why, and holds nothing of its content. */
export class Unreadable extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Unreadable';
  }
}
