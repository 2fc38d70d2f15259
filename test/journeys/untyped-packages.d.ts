/** What the journeys call of a reference library that ships no types, beside what test/credential calls. */
declare module '@digitalbazaar/ecdsa-multikey' {
  export function from(method: object): Promise<{ export(options: { publicKey: true }): Promise<object> }>;
}
