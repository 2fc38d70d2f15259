/** What may be done to an issued credential, and the reasons that may be given (domain.md J13). */
import type { StatusPurpose } from '../status/status.js';
import type { IssuanceState } from './store.js';

export type StatusAction = 'revoke' | 'suspend' | 'reinstate';

/** Codes, never free text: a reason must not become a place for personal data. */
export const reasons = {
  revoke: [
    'TrainingExpiry',
    'LeavingOrganisation',
    'CredentialProvidedInError',
    'LostPhone',
    'NoLongerValid',
    'SuspectNoLongerValid',
    'StaffMemberDeceased',
  ],
  suspend: ['SuspectNoLongerValid', 'LostPhone', 'CheckInProgress', 'AdministrativeHold'],
  reinstate: ['CheckCompleted', 'PhoneRecovered', 'SuspendedInError', 'HoldEnded'],
} as const satisfies Record<StatusAction, readonly string[]>;

/** Every reason code once, for the wire type. */
export const allReasons: readonly string[] = [...new Set(Object.values(reasons).flat())];

/** One step of the cycle: where it leads and which bit it moves. */
export interface Transition {
  readonly to: IssuanceState;
  readonly purpose: StatusPurpose;
  readonly value: boolean;
}

const revoke: Transition = { to: 'revoked', purpose: 'revocation', value: true };
const suspend: Transition = { to: 'suspended', purpose: 'suspension', value: true };
const reinstate: Transition = { to: 'issued', purpose: 'suspension', value: false };

/** `done`: it is so already, a repeated call is fine. `final`: revocation is not reversible. `never`: not issued. */
export const transitions: Readonly<
  Record<IssuanceState, Readonly<Record<StatusAction, Transition | 'done' | 'final' | 'never'>>>
> = {
  reserved: { revoke: 'never', suspend: 'never', reinstate: 'never' },
  burnt: { revoke: 'never', suspend: 'never', reinstate: 'never' },
  issued: { revoke, suspend, reinstate: 'done' },
  suspended: { revoke, suspend: 'done', reinstate },
  revoked: { revoke: 'done', suspend: 'final', reinstate: 'final' },
};
