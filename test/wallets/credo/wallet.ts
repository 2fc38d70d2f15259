/**
 * Credo (@credo-ts/core and @credo-ts/openid4vc 0.6.3) as a wallet: the library beneath Paradym, Bifold and BC Wallet. Only
 * its public interface is used, and nothing of what it checks is turned off.
 */
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  Agent,
  type AgentDependencies,
  CacheModule,
  DidsModule,
  InMemoryLruCache,
  JwkDidRegistrar,
  JwkDidResolver,
  KeyDidRegistrar,
  KeyDidResolver,
  Kms,
  SdJwtVcRecord,
  W3cCredentialRecord,
  WebDidResolver,
  X509Module,
} from '@credo-ts/core';
import {
  type OpenId4VciCredentialBindingResolver,
  type OpenId4VciDpopRequestOptions,
  type OpenId4VciResolvedCredentialOffer,
  OpenId4VcModule,
} from '@credo-ts/openid4vc';
import { NodeKeyService } from './key-service.js';
import { MemoryStorageModule } from './storage.js';

/** A file system is for ledgers and a socket for messages between agents; a holder has no use for either. */
class Absent {
  constructor() {
    for (const name of ['exists', 'createDirectory', 'copyFile', 'write', 'read', 'delete', 'downloadToFile']) {
      Object.assign(this, { [name]: () => Promise.reject(new Error(`${name} is not for this wallet`)) });
    }
  }
}

const dependencies = {
  FileSystem: Absent,
  EventEmitterClass: EventEmitter,
  WebSocketClass: Absent,
  fetch,
} as unknown as AgentDependencies;

function createAgent(trustedCertificates: string[]) {
  return new Agent({
    dependencies,
    modules: {
      storage: new MemoryStorageModule(),
      cache: new CacheModule({ cache: new InMemoryLruCache({ limit: 100 }) }),
      kms: new Kms.KeyManagementModule({ backends: [new NodeKeyService()] }),
      dids: new DidsModule({
        resolvers: [new WebDidResolver(), new KeyDidResolver(), new JwkDidResolver()],
        registrars: [new KeyDidRegistrar(), new JwkDidRegistrar()],
      }),
      x509: new X509Module({ trustedCertificates }),
      openid4vc: new OpenId4VcModule({}),
    },
  });
}

type CredoAgent = ReturnType<typeof createAgent>;
type Credentials = Awaited<ReturnType<CredoAgent['openid4vc']['holder']['requestCredentials']>>;
export type Received = Credentials['credentials'][number];
export type Deferred = Credentials['deferredCredentials'][number];

/** What the wallet's key is called in its proofs: a DID of this method, or the bare key. */
export type Binding = 'did:jwk' | 'did:key' | 'jwk';
export type KeyKind = 'P-256' | 'Ed25519';

/** An access token with the key that it may be bound to. */
export interface Access {
  readonly accessToken: string;
  readonly refreshToken?: string | undefined;
  readonly dpop?: OpenId4VciDpopRequestOptions | undefined;
}

export interface Request {
  readonly binding?: Binding;
  readonly key?: KeyKind;
  /** How many copies, each for a key of its own. */
  readonly copies?: number;
  readonly configurationIds?: readonly string[];
  readonly clientId?: string;
}

/** A wallet of one person. */
export class CredoWallet {
  readonly agent: CredoAgent;

  private constructor(agent: CredoAgent) {
    this.agent = agent;
  }

  /** `authorityFile`: whose certificates requests for presentations may be signed under. */
  static async open(authorityFile: string): Promise<CredoWallet> {
    const agent = createAgent([readFileSync(authorityFile, 'utf8')]);
    await agent.initialize();
    return new CredoWallet(agent);
  }

  get #holder() {
    return this.agent.openid4vc.holder;
  }

  /** Reads an offer and the metadata of its issuer. */
  resolveOffer(uri: string): Promise<OpenId4VciResolvedCredentialOffer> {
    return this.#holder.resolveCredentialOffer(uri);
  }

  /** Redeems the pre-authorized code; with DPoP where the authorization server takes it, as Credo does by itself. */
  async redeem(offer: OpenId4VciResolvedCredentialOffer, txCode?: string): Promise<Access> {
    return this.#holder.requestToken({ resolvedCredentialOffer: offer, ...(txCode === undefined ? {} : { txCode }) });
  }

  /** The authorization code flow: pushes the request, `visit` is the person in her browser, then the token. */
  async authorise(
    offer: OpenId4VciResolvedCredentialOffer,
    {
      clientId,
      redirectUri,
      visit,
    }: { clientId: string; redirectUri: string; visit: (url: string) => Promise<string> },
  ): Promise<Access> {
    const request = await this.#holder.resolveOpenId4VciAuthorizationRequest(offer, { clientId, redirectUri });
    if (request.authorizationFlow !== 'Oauth2Redirect') throw new Error(`unexpected flow ${request.authorizationFlow}`);
    const { authorizationCode } = await this.#holder.parseAuthorizationCodeFromAuthorizationResponse({
      resolvedCredentialOffer: offer,
      authorizationResponseRedirectUrl: await visit(request.authorizationRequestUrl),
    });
    return this.#holder.requestToken({
      resolvedCredentialOffer: offer,
      code: authorizationCode,
      clientId,
      redirectUri,
      ...(request.codeVerifier === undefined ? {} : { codeVerifier: request.codeVerifier }),
      ...(request.dpop === undefined ? {} : { dpop: request.dpop }),
    });
  }

  async refresh(offer: OpenId4VciResolvedCredentialOffer, access: Access, clientId?: string): Promise<Access> {
    return this.#holder.refreshToken({
      issuerMetadata: offer.metadata,
      refreshToken: access.refreshToken ?? '',
      ...(access.dpop === undefined ? {} : { dpop: access.dpop }),
      ...(clientId === undefined ? {} : { clientId }),
    });
  }

  /** Asks for what was offered; Credo verifies every credential before it hands it over. */
  async request(offer: OpenId4VciResolvedCredentialOffer, access: Access, request: Request = {}): Promise<Credentials> {
    return this.#holder.requestCredentials({
      resolvedCredentialOffer: offer,
      accessToken: access.accessToken,
      credentialBindingResolver: this.#bind(request),
      ...(access.dpop === undefined ? {} : { dpop: access.dpop }),
      ...(request.clientId === undefined ? {} : { clientId: request.clientId }),
      ...(request.configurationIds === undefined ? {} : { credentialConfigurationIds: [...request.configurationIds] }),
    });
  }

  /** Asks again for what was not ready. */
  async requestDeferred(
    offer: OpenId4VciResolvedCredentialOffer,
    access: Access,
    waiting: Deferred,
  ): Promise<Credentials> {
    const { transactionId, credentialConfigurationId, credentialConfiguration, jwkThumbprintKmsKeyIdMapping } = waiting;
    return this.#holder.requestDeferredCredentials({
      issuerMetadata: offer.metadata,
      accessToken: access.accessToken,
      transactionId,
      credentialConfigurationId,
      credentialConfiguration,
      ...(jwkThumbprintKmsKeyIdMapping === undefined ? {} : { jwkThumbprintKmsKeyIdMapping }),
      ...(access.dpop === undefined ? {} : { dpop: access.dpop }),
    });
  }

  /** Tells the issuer what became of a credential. */
  async notify(
    offer: OpenId4VciResolvedCredentialOffer,
    access: Access,
    {
      notificationId = '',
      event,
    }: { notificationId: string | undefined; event: 'credential_accepted' | 'credential_deleted' },
  ): Promise<void> {
    await this.#holder.sendNotification({
      metadata: offer.metadata,
      accessToken: access.accessToken,
      notificationId,
      notificationEvent: event,
      ...(access.dpop === undefined ? {} : { dpop: access.dpop }),
    });
  }

  /** Keeps a credential, so that requests find it. */
  async store({ record }: Received): Promise<void> {
    if (record instanceof SdJwtVcRecord) await this.agent.sdJwtVc.store({ record });
    else if (record instanceof W3cCredentialRecord) await this.agent.w3cCredentials.store({ record });
    else throw new Error(`nothing here asks for a ${record.type}`);
  }

  /** Reads a request for a presentation, checks who asks, and sends what it asks for; what the verifier answered. */
  async present(uri: string): Promise<{ status: number | undefined; body: unknown; redirectUri: string | undefined }> {
    const request = await this.#holder.resolveOpenId4VpAuthorizationRequest(uri);
    if (request.dcql === undefined) throw new Error('the request has no DCQL query');
    const answer = await this.#holder.acceptOpenId4VpAuthorizationRequest({
      authorizationRequestPayload: request.authorizationRequestPayload,
      dcql: { credentials: this.#holder.selectCredentialsForDcqlRequest(request.dcql.queryResult) },
    });
    const { serverResponse, redirectUri } = answer as {
      serverResponse?: { status: number; body: unknown };
      redirectUri?: string;
    };
    return { status: serverResponse?.status, body: serverResponse?.body, redirectUri };
  }

  close(): Promise<void> {
    return this.agent.shutdown();
  }

  #bind({ binding = 'did:jwk', key = 'P-256', copies = 1 }: Request): OpenId4VciCredentialBindingResolver {
    return async () => {
      const keys = await Promise.all(Array.from({ length: copies }, () => this.#createKey(key)));
      if (binding === 'jwk') return { method: 'jwk', keys: keys.map(({ publicJwk }) => publicJwk) };
      const didUrls = await Promise.all(keys.map(({ keyId }) => this.#createDid(binding, keyId)));
      return { method: 'did', didUrls };
    };
  }

  async #createKey(kind: KeyKind): Promise<{ keyId: string; publicJwk: Kms.PublicJwk }> {
    const type = kind === 'P-256' ? ({ kty: 'EC', crv: kind } as const) : ({ kty: 'OKP', crv: kind } as const);
    const { keyId, publicJwk } = await this.agent.kms.createKey({ type });
    return { keyId, publicJwk: Kms.PublicJwk.fromPublicJwk(publicJwk) as Kms.PublicJwk };
  }

  async #createDid(binding: 'did:jwk' | 'did:key', keyId: string): Promise<string> {
    const method = binding === 'did:jwk' ? 'jwk' : 'key';
    const { didState } = await this.agent.dids.create({ method, options: { keyId } });
    const id = didState.didDocument?.verificationMethod?.[0]?.id;
    if (id === undefined) throw new Error(`no ${binding}: ${JSON.stringify(didState)}`);
    return id;
  }
}
