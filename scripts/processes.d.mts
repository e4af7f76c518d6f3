export function childrenOf(pid: number): number[];
export function signal(pids: readonly number[], name: NodeJS.Signals): void;
export function isAlive(pid: number): boolean;
