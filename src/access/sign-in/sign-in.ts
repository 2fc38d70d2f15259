/**
 * People sign in at the trust's own identity provider (OpenID Connect Core 1.0, authorization code flow with PKCE). We
 * learn one thing of them: the identifier that the provider knows them by, which HR wrote on the offer. No account and
 * no session of ours follows from it.
 *
 *   begin   the caller sends the browser to `redirect` and sets `cookie`
 *   receive the provider sends the browser to our one callback, which moves it on to the caller's `returnTo`
 *   finish  the caller reads, once, who it was
 *
 * What is kept between the steps is sealed with a key that only the browser's cookie yields.
 */
import { createHash, hkdfSync } from 'node:crypto';
import { readCookie, writeCookie } from '../../http/cookies.js';
import { OAuthError, type OAuthErrorCode } from '../../http/oauth-errors.js';
import type { JsonObject } from '../../json.js';
import { createSealedBox } from '../../store/sealed-box.js';
import type { Store } from '../../store/store.js';
import type { IdentityProvider } from './identity-provider.js';
import { forgetExpiredSignIns, insertSignIn, takeSignIn } from './store.js';

/** A sign-in that came to nothing; `state` is what the caller gave to `begin`, when that could still be read. */
export class SignInRefusal extends OAuthError {
  readonly state: JsonObject | undefined;

  constructor(error: OAuthErrorCode, detail: string, state?: JsonObject, options: { cause?: unknown } = {}) {
    super(error, detail, options);
    this.name = 'SignInRefusal';
    this.state = state;
  }
}

export interface SignIn {
  /**
   * `returnTo` is the path, below our public URL, of the caller's route that will call `finish`; `state` comes back
   * there. `redirect` is where the browser goes, `cookie` a Set-Cookie header.
   */
  begin(request: { state: JsonObject; returnTo: string }): Promise<{ redirect: string; cookie: string }>;
  /** For the callback route alone: `query` as the provider sent it, `cookie` the browser's Cookie header. */
  receive(request: { query: string; cookie: string | undefined }): Promise<{ redirect: string; cookie: string }>;
  /** `cookie` is the browser's Cookie header. Answers once; throws SignInRefusal. */
  finish(request: { cookie: string | undefined }): Promise<{ subject: string; state: JsonObject }>;
  /** Forgets what was never finished. */
  maintain(): Promise<void>;
}

export interface SignInDependencies {
  readonly store: Store;
  readonly now: () => Date;
  readonly random: (size: number) => Buffer;
  readonly publicUrl: string;
  readonly provider: IdentityProvider;
  /** Hears why the provider could not be asked; the person is told only that. */
  readonly onFault: (error: unknown) => void;
}

/** Where the identity provider sends people back to; the one address that a trust registers there. */
export const callbackPath = '/sign-in/callback';

/** As long as somebody may look for a smartcard. */
const minutes = 10;
const cookieName = 'sign-in';

/** What is sealed: first what the provider's answer is checked against, then who it was. */
type Kept =
  | { returnTo: string; state: JsonObject; checks: { state: string; nonce: string; codeVerifier: string } }
  | { returnTo: string; state: JsonObject; subject: string }
  | { returnTo: string; state: JsonObject; refusal: { error: OAuthErrorCode; detail: string } };

export function createSignIn(deps: SignInDependencies): SignIn {
  const { store, now, random, publicUrl, provider } = deps;
  const redirectUri = `${publicUrl}${callbackPath}`;

  const newText = () => random(32).toString('base64url');
  const boxOf = (secret: string) =>
    createSealedBox(Buffer.from(hkdfSync('sha256', secret, '', 'staff-passport/sign-in/v1', 32)), random);

  /** Under a new secret each time: whoever planted or saw an earlier cookie has nothing. */
  async function keep(kept: Kept): Promise<string> {
    const secret = newText();
    const sealed = boxOf(secret).seal(JSON.stringify(kept), 'access_sign_in');
    const expiresAt = new Date(now().getTime() + minutes * 60_000).toISOString();
    await store.transaction((tx) => insertSignIn(tx, { digest: digestOf(secret), sealed, expiresAt }));
    return writeCookie({ name: cookieName, value: secret, maxAgeSeconds: minutes * 60, publicUrl });
  }

  /** Whoever takes it has it alone: the row is gone. */
  async function take(cookieHeader: string | undefined): Promise<Kept> {
    const secret = readCookie(cookieHeader, { name: cookieName, publicUrl });
    const row = secret && (await store.transaction((tx) => takeSignIn(tx, digestOf(secret), now().toISOString())));
    if (!secret || !row) {
      const detail = 'This sign-in is over, was used, or began in another browser. Begin again where you came from.';
      throw new SignInRefusal('login_required', detail);
    }
    return JSON.parse(boxOf(secret).open(row.sealed, 'access_sign_in')) as Kept;
  }

  /** A person who declined, or a provider that is down, is an outcome too: the caller hears of it in `finish`. */
  async function outcomeOf(kept: Kept, query: string): Promise<Kept> {
    const { returnTo, state } = kept;
    if (!('checks' in kept)) throw new SignInRefusal('login_required', 'This sign-in was answered before.');
    try {
      return { returnTo, state, subject: await provider.readAnswer({ query, redirectUri, ...kept.checks }) };
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      deps.onFault(error.cause ?? error);
      return { returnTo, state, refusal: { error: error.error, detail: error.message } };
    }
  }

  return {
    async begin({ state, returnTo }) {
      const checks = { state: newText(), nonce: newText(), codeVerifier: newText() };
      const redirect = await provider.authorizationUrl({ redirectUri, ...checks });
      return { redirect, cookie: await keep({ returnTo, state, checks }) };
    },
    async receive({ query, cookie }) {
      const outcome = await outcomeOf(await take(cookie), query);
      return { redirect: `${publicUrl}${outcome.returnTo}`, cookie: await keep(outcome) };
    },
    async finish({ cookie }) {
      const kept = await take(cookie);
      if ('subject' in kept) return { subject: kept.subject, state: kept.state };
      if ('refusal' in kept) throw new SignInRefusal(kept.refusal.error, kept.refusal.detail, kept.state);
      throw new SignInRefusal('login_required', 'The sign-in was not completed.', kept.state);
    },
    maintain: () => store.transaction((tx) => forgetExpiredSignIns(tx, now().toISOString())),
  };
}

function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
