/**
 * Sphereon's libraries (@sphereon/oid4vci-client and @sphereon/did-auth-siop 0.20.1) as a wallet: they speak the
 * protocols and leave keys, and what a presentation consists of, to their callers.
 */
import { OpenID4VCIClientV1_0_15 as Client } from '@sphereon/oid4vci-client';
import { AuthzFlowType } from '@sphereon/oid4vci-common';
import type { HolderKey } from '../holder-key.js';

export interface Opened {
  readonly client: Client;
  readonly configurationIds: readonly string[];
}

/** What the credential endpoint answered. */
export interface Received {
  readonly credentials: readonly unknown[];
  readonly notificationId: string | undefined;
  readonly transactionId: string | undefined;
}

type DPoPOptions = NonNullable<NonNullable<Parameters<Client['acquireAccessToken']>[0]>['createDPoPOpts']>;

/** RFC 9449 by Sphereon, with a key of ours. */
function dpopOf(key: HolderKey): DPoPOptions {
  return {
    jwtIssuer: { alg: key.alg, jwk: key.jwk } as unknown as DPoPOptions['jwtIssuer'],
    dPoPSigningAlgValuesSupported: [key.alg],
    jwtPayloadProps: {},
    createJwtCallback: (_issuer, { header, payload }) => key.sign({ ...header }, { ...payload }),
  };
}

/** Reads an offer and the metadata of its issuer. */
export async function openOffer(uri: string, clientId?: string): Promise<Opened> {
  const client = await Client.fromURI({
    uri,
    resolveOfferUri: true,
    retrieveServerMetadata: true,
    createAuthorizationRequestURL: false,
    ...(clientId === undefined ? {} : { clientId }),
  });
  // It reads the address of the deferred endpoint and then looks for it in another place (dist/index.js:552 and 1802).
  const { endpointMetadata } = client;
  const deferred = endpointMetadata.credentialIssuerMetadata?.deferred_credential_endpoint;
  if (deferred !== undefined) endpointMetadata.deferred_credential_endpoint ??= deferred;
  return { client, configurationIds: client.getCredentialOfferConfigurationIds() };
}

/** Redeems the pre-authorized code; with a key the token is bound to it. */
export async function redeem({ client }: Opened, txCode: string | undefined, key?: HolderKey): Promise<string> {
  const { token_type: type = '' } = await client.acquireAccessToken({
    ...(txCode === undefined ? {} : { pin: txCode }),
    ...(key === undefined ? {} : { createDPoPOpts: dpopOf(key) }),
  });
  return type;
}

/** The authorization code flow; `visit` is the person in her browser. */
export async function authorise(
  { client, configurationIds }: Opened,
  { redirectUri, visit }: { redirectUri: string; visit: (url: string) => Promise<string> },
): Promise<void> {
  if (!client.isFlowTypeSupported(AuthzFlowType.AUTHORIZATION_CODE_FLOW))
    throw new Error('the offer has no such grant');
  const request = { redirectUri, scope: configurationIds.join(' ') };
  const back = new URL(await visit(await client.createAuthorizationRequestUrl({ authorizationRequest: request })));
  await client.acquireAccessToken({
    authorizationResponse: { code: back.searchParams.get('code') ?? '' },
    redirectUri,
  });
}

/** Asks for one of the configurations; the key is named by its DID, or by itself. */
export async function request(
  { client }: Opened,
  configurationId: string,
  {
    key,
    binding,
    dpop,
    patient = false,
  }: { key: HolderKey; binding: 'did:jwk' | 'jwk'; dpop?: HolderKey; patient?: boolean },
): Promise<Received> {
  const configuration = client.getCredentialsSupported()[configurationId];
  const answer = await client.acquireCredentials({
    credentialConfigurationId: configurationId,
    format: String(configuration?.format) as never,
    alg: key.alg,
    ...(binding === 'jwk' ? { jwk: key.jwk as never } : { kid: key.kid }),
    // What is not ready yet is asked for again and again.
    ...(patient ? { deferredCredentialAwait: true, deferredCredentialIntervalInMS: 200 } : {}),
    proofCallbacks: { signCallback: ({ header, payload }) => key.sign({ ...header }, { ...payload }) },
    ...(dpop === undefined ? {} : { createDPoPOpts: dpopOf(dpop) }),
  });
  const { credentials = [], notification_id: notificationId, transaction_id: transactionId } = answer;
  return { credentials: credentials.map(({ credential }) => credential), notificationId, transactionId };
}

/** Tells the issuer what became of a credential; false when the issuer does not take it. */
export async function notify({ client }: Opened, notificationId: string, event: string): Promise<boolean> {
  const endpoint = client.endpointMetadata.credentialIssuerMetadata?.notification_endpoint ?? '';
  const request = { notification_id: notificationId, event };
  return !(await client.sendNotification({ notificationEndpoint: endpoint }, request)).error;
}
