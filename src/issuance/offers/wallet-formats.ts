/** The formats that wallets receive documents in, as the endings of credential configuration ids (protocols.md, decision 3). */

/** Best first: what most wallets hold. */
export const walletFormatNames = ['sd_jwt', 'jwt_vc', 'vc2_jwt', 'ldp'] as const;

/** One of the endings. */
export type WalletFormat = (typeof walletFormatNames)[number];

/** OpenID4VCI 1.0 12.2.4: the id of a type in one format. */
export function configurationIdOf(type: string, format: WalletFormat): string {
  return `${type}_${format}`;
}

/** The type that a configuration id names; undefined where its ending is no format of ours. */
export function typeOfConfiguration(configurationId: string): string | undefined {
  const format = walletFormatNames.find((name) => configurationId.endsWith(`_${name}`));
  return format === undefined ? undefined : configurationId.slice(0, -format.length - 1);
}
