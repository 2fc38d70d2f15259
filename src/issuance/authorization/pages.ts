/** What people read on their way from a wallet to its documents and back. */
import { html, typeInWords } from '../../http/page.js';
import type { AuthorizationRefusal, Consent } from './interaction.js';
import { consentPath } from './interaction.js';
import { nameOfRedirect } from './redirect-uri.js';

export const consentTitle = 'Let this wallet receive your documents?';

/** What would go where. A client_id is whatever the wallet says of itself, so it is shown as that. */
export function consentBody({ clientId, redirectUri, types, formToken }: Consent, basePath: string): string {
  const documents = types.map((type) => html`<li>${typeInWords(type)}</li>`);
  return html`<p>You have signed in. A wallet asks to receive ${types.length === 1 ? 'this document' : 'these documents'} of your staff passport:</p>
<ul>!${documents}</ul>
<dl class="facts"><dt>The wallet calls itself</dt><dd>${clientId}</dd>
<dt>You go back to</dt><dd>${nameOfRedirect(redirectUri)}</dd></dl>
<p>Allow it only if you have just begun this in your own wallet. If somebody sent you here, do not allow it.</p>
<form method="post" action="${basePath}${consentPath}">
<input type="hidden" name="form_token" value="${formToken}">
<button type="submit" name="decision" value="allow">Allow</button>
<button type="submit" name="decision" value="refuse">Do not allow</button>
</form>`;
}

export const refusalTitle = 'Nothing was given to your wallet';

/** RFC 9700 4.11.2: whoever is sent here by a stranger must not be sent on to the stranger's website unasked. */
export function refusalBody({ message, redirectUri, location }: AuthorizationRefusal): string {
  return html`<div class="notice bad" role="alert"><p>${message}</p></div>
<h2>What to do next</h2>
<p>If you came from your wallet, go back to it. You can begin again there.</p>
<p><a href="${location}" rel="noreferrer">Go back to ${nameOfRedirect(redirectUri)}</a></p>`;
}
