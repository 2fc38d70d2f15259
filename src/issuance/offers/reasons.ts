/** Why documents do not go into a wallet (domain.md J8). Codes, never free text, which would become a place for personal data. */

/** What the person may say, with the words that the page uses. */
export const declineReasons = {
  Duplicate: 'I have this document already',
  IncorrectInformation: 'Something in it is wrong',
  NoLongerWanted: 'I do not want it any more',
  Other: 'Another reason',
} as const;

export type DeclineReason = keyof typeof declineReasons;

/** What HR may say. */
export const withdrawReasons = ['IssuedInError', 'UpdatedInformation', 'NoLongerValid'] as const;

export type WithdrawReason = (typeof withdrawReasons)[number];
