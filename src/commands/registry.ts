import { Command } from 'commander';
import { createAuthority, openFoundation, realSurroundings } from '../app.js';
import { loadConfig } from '../config.js';
import { ServiceError } from '../errors.js';
import type { RegistryAuthority } from '../registry/registry.js';
import { readJsonFile } from './json-file.js';
import { deploymentCommand, say } from './options.js';

const actor = 'operator';

/** `registry add|suspend|reinstate`: for the authority's operator; a running service publishes within a second. */
export function registryCommand(): Command {
  return new Command('registry')
    .description('The organisations of the trust registry (role registry only)')
    .addCommand(
      deploymentCommand('add', 'Add the organisations of a file; those that are known stay as they are')
        .requiredOption('-f, --file <file>', 'JSON file as registryAuthority.seedFile')
        .action((options: { config: string; file: string }) =>
          withAuthority(options.config, async (authority) => {
            const { added } = await authority.seed(readJsonFile(options.file), actor);
            say(`${added} organisations added`);
          }),
        ),
    )
    .addCommand(standingCommand('suspend', 'Suspend an organisation: nothing that it issued is valid meanwhile'))
    .addCommand(standingCommand('reinstate', 'End a suspension'));
}

function standingCommand(name: 'suspend' | 'reinstate', description: string): Command {
  return deploymentCommand(name, description)
    .argument('<ods-code>', 'ODS code of the organisation')
    .requiredOption('-r, --reason <reason>', 'why, never about a person; kept by the authority, not published')
    .action((odsCode: string, options: { config: string; reason: string }) =>
      withAuthority(options.config, async (authority) => {
        const organisation = await authority[name](odsCode, { reason: options.reason }, actor);
        say(`${organisation.odsCode} is ${organisation.status}`);
      }),
    );
}

async function withAuthority(file: string, work: (authority: RegistryAuthority) => Promise<void>): Promise<void> {
  const deployment = loadConfig(file);
  if (!deployment.config.roles.includes('registry')) {
    throw new ServiceError('configuration', 'This deployment does not have the role registry');
  }
  const foundation = await openFoundation(deployment, realSurroundings(), 'refuse');
  try {
    await work(createAuthority(foundation));
  } finally {
    await foundation.close();
  }
}
