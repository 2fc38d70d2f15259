import { Command } from 'commander';
import { loadConfig } from '../config.js';
import { deploymentCommand, say } from './options.js';

/** `config check`: reports every fault of a deployment file at once; `--print` shows the merged and resolved result. */
export function configCommand(): Command {
  const check = deploymentCommand('check', 'Validate a deployment file; every fault is reported, by path')
    .option('--print', 'print the merged result as JSON, which Veramo can read too')
    .action((options: { config: string; print?: boolean }) => {
      const { tree } = loadConfig(options.config);
      say(options.print ? JSON.stringify(tree, null, 2) : `${options.config} has no faults`);
    });
  return new Command('config').description('Look at configuration').addCommand(check);
}
