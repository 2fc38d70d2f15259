import type { Command } from 'commander';
import { createApp } from '../app.js';
import { loadConfig } from '../config.js';
import { deploymentCommand } from './options.js';

/** `serve`: runs the service until SIGTERM or SIGINT, then finishes what is in flight. */
export function serveCommand(): Command {
  return deploymentCommand('serve', 'Run the service').action(async (options: { config: string }) => {
    const app = await createApp(loadConfig(options.config));
    await app.listen();
    await firstSignal();
    process.exitCode = (await app.drain()) ? 0 : 1;
  });
}

function firstSignal(): Promise<unknown> {
  return new Promise((done) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, done);
  });
}
