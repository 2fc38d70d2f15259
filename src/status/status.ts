/**
 * Bitstring Status List v1.0 and Token Status List, both sides. Publishing (issuers): an index in one list for each purpose,
 * or one for both in the list that is drawn from them, allocated in
 * the transaction that records a copy; a bit is changed, and its list signed in both securings, in the transaction
 * of the change; what is served is memory. Checking (verifiers): lists of others, bounded, cached, never older than
 * their ttl, and in doubt indeterminate. Callers: issuance/, verification/, app.ts.
 */
export type { AllocationRequest } from './allocation.js';
export type { StatusChecker, StatusCheckerDependencies, StatusContext, StatusResult } from './checker.js';
export { createStatusChecker, findEntryFaults } from './checker.js';
export type { StatusCode, StatusCodeFacts } from './codes.js';
export { statusCodes } from './codes.js';
export type { StatusChange, StatusLists, StatusListsDependencies } from './lists.js';
export { createStatusLists } from './lists.js';
export { purposesOf, type StatusEntry, type StatusPurpose } from './model.js';
export { statusEntities } from './store.js';
