// Loaded before an application (node --import): ends it when its launcher is gone, however that one ended.
const launcher = process.ppid;

setInterval(() => {
  if (process.ppid === launcher) return;
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.exit(1), 4000).unref();
}, 500).unref();
