/**
 * Statements that our own service does not keep yet, each with what is missing; the aim is none. Whoever mends one
 * takes its line out here, and the faults are then planted for it too.
 */
export const knownFailures: Readonly<Record<string, string>> = {
  'VCDM-7.1-1': 'agents/conformance.yml does not recognise its own did:web issuer for VerifiableCredential',
  'BSL-3.2-1': 'see VCDM-7.1-1: what the status issuer issues is refused before and after it is revoked',
};
