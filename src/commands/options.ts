import { Command } from 'commander';

/** A command that works on one deployment file. */
export function deploymentCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .requiredOption('-c, --config <file>', 'deployment file, such as agents/production.yml');
}

/** Writes one line for the operator. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
