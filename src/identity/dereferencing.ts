/**
 * Dereferencing of DID URLs in a document that was resolved (DID Resolution 5.4): verification methods and services by
 * their fragment, services by `service` and `serviceType`, addresses at a service by `relativeRef`. Nothing is fetched:
 * the address of a service is the answer. No version of a document but the current one, no path, no other parameter.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import type { DidUrl, Parameters } from './did-url.js';

/** Errors of DID Resolution 11 and, of verification relationships, of Controlled Identifiers 3.5. */
export type DereferencingErrorName =
  | 'FEATURE_NOT_SUPPORTED'
  | 'INVALID_DID_URL'
  | 'INVALID_OPTIONS'
  | 'INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD'
  | 'INVALID_VERIFICATION_METHOD'
  | 'NOT_FOUND'
  | 'REPRESENTATION_NOT_SUPPORTED';

/** Why there is no content. */
export interface DereferencingError {
  readonly error: DereferencingErrorName;
  readonly detail: string;
}

/** The content, the address of a service, or why there is neither. */
export type Dereferenced = { readonly content: JsonObject } | { readonly address: string } | DereferencingError;

/** The options beside `accept`. */
export interface DereferencingOptions {
  readonly verificationRelationship?: string;
}

/** What the caller accepts: a document or a part of one, or the address of a service. */
export type DereferencingAccept = 'document' | 'text/uri-list';

/** Servers take 8 kB for a request's first line and headers; a Location is to fit in there with room to spare. */
const maxAddressLength = 4096;

const relationships = [
  'assertionMethod',
  'authentication',
  'keyAgreement',
  'capabilityInvocation',
  'capabilityDelegation',
];
/** DID Resolution 5.4.1: parameters are passed on as options of resolution, and these we do not have (4.4 step 3). */
const resolutionParameters = ['versionId', 'versionTime', 'expandRelativeUrls', 'noCache'];
const serviceParameters = ['service', 'serviceType', 'relativeRef'];

/** Reads the options that a request brought beside `accept`. */
export function readOptions(parameters: Parameters | undefined): DereferencingOptions | DereferencingError {
  if (!parameters) return failure('INVALID_OPTIONS', 'The options cannot be read, or one of them stands there twice.');
  const { verificationRelationship, ...others } = Object.fromEntries(parameters);
  if (Object.keys(others).length > 0) {
    return failure('FEATURE_NOT_SUPPORTED', 'No option but verificationRelationship is supported here.');
  }
  if (verificationRelationship === undefined) return {};
  if (relationships.includes(verificationRelationship)) return { verificationRelationship };
  return failure('INVALID_OPTIONS', `verificationRelationship is one of ${relationships.join(', ')}.`);
}

/** Why no document can answer this, before any is fetched. */
export function unanswerable({ path, parameters }: DidUrl): DereferencingError | undefined {
  const names = [...parameters.keys()];
  if (names.some((name) => resolutionParameters.includes(name))) {
    return failure('FEATURE_NOT_SUPPORTED', 'There is the current version of a document only.');
  }
  const selects = parameters.has('service') || parameters.has('serviceType');
  const known = names.length === 0 || (selects && names.every((name) => serviceParameters.includes(name)));
  // DID Resolution 5.4.1, the last step: neither did:web, did:key nor did:jwk says what a path means.
  return path === '' && known ? undefined : failure('NOT_FOUND', 'No method here has such a path or query.');
}

/** Dereferences a DID URL that is answerable in the document of its DID. */
export function dereference(
  document: JsonObject,
  url: DidUrl,
  accept: DereferencingAccept,
  options: DereferencingOptions = {},
): Dereferenced {
  if (!url.parameters.has('service') && !url.parameters.has('serviceType')) {
    if (accept === 'document') return inDocument(document, url, options);
    return failure('REPRESENTATION_NOT_SUPPORTED', 'Only a service has an address.');
  }
  const services = servicesOf(document).filter((service) => isSelected(service, url));
  const addresses = addressesAt(services, url);
  if ('error' in addresses) return addresses;
  if (accept === 'document') return inDocument({ ...document, service: services }, url, options);
  if (options.verificationRelationship !== undefined) return noMethod();
  return withFragment(addresses, url);
}

/** DID Resolution 5.4.2, of a document: the whole, or what in it has the fragment's id. */
function inDocument(document: JsonObject, { did, fragment }: DidUrl, options: DereferencingOptions): Dereferenced {
  const { verificationRelationship: relationship } = options;
  if (fragment === undefined) return relationship === undefined ? { content: document } : noMethod();
  const isIt = (node: JsonObject) => absolute(node['id'], did) === `${did}#${fragment}`;
  const method = methodsOf(document).find(isIt);
  const found = method ?? servicesOf(document).find(isIt);
  if (!found) return failure('NOT_FOUND', 'Nothing in the document has this fragment as its id.');
  if (relationship !== undefined) {
    if (!method) return noMethod();
    const listed = list(document, relationship).some((entry) => absolute(idOf(entry), did) === `${did}#${fragment}`);
    if (!listed) {
      const detail = `The document does not authorise this verification method for ${relationship}.`;
      return failure('INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD', detail);
    }
  }
  // The part of a JSON-LD document means the same alone only under the document's context.
  const context = document['@context'];
  return { content: context === undefined ? found : { '@context': context, ...found } };
}

function noMethod(): DereferencingError {
  return failure(
    'INVALID_VERIFICATION_METHOD',
    'verificationRelationship is given, and this is no verification method.',
  );
}

function list(document: JsonObject, name: string): readonly Json[] {
  const value = document[name];
  return Array.isArray(value) ? value : [];
}

function methodsOf(document: JsonObject): JsonObject[] {
  return ['verificationMethod', ...relationships].flatMap((name) => list(document, name)).filter(isJsonObject);
}

function servicesOf(document: JsonObject): JsonObject[] {
  return list(document, 'service').filter(isJsonObject);
}

function idOf(entry: Json): Json | undefined {
  return isJsonObject(entry) ? entry['id'] : entry;
}

/** DID Core 3.2.2: a relative DID URL starts at the DID of its document. */
function absolute(id: Json | undefined, did: string): string | undefined {
  if (typeof id !== 'string') return undefined;
  return id.startsWith('#') ? `${did}${id}` : id;
}

/** `service` may be the whole id, its fragment, or as everybody writes it the fragment without the #. */
function isSelected(service: JsonObject, { did, parameters }: DidUrl): boolean {
  const wanted = parameters.get('service');
  const type = parameters.get('serviceType');
  const id = wanted !== undefined && /^[^:#]*$/.test(wanted) ? `#${wanted}` : wanted;
  const types: unknown[] = [service['type']].flat();
  return (
    (id === undefined || absolute(service['id'], did) === absolute(id, did)) &&
    (type === undefined || types.includes(type))
  );
}

/** The endpoints that are web addresses, with `relativeRef` resolved against each (RFC 3986 5.2). */
function addressesAt(services: readonly JsonObject[], { parameters }: DidUrl): readonly URL[] | DereferencingError {
  const endpoints = services.flatMap((service) => [service['serviceEndpoint']].flat()).flatMap(webAddress);
  const reference = parameters.get('relativeRef');
  if (reference === undefined || endpoints.length === 0) return endpoints;
  const addresses = endpoints.flatMap((endpoint) => resolveReference(endpoint, reference));
  if (addresses.length > 0) return addresses;
  return failure('INVALID_DID_URL', 'relativeRef is no reference to something below the address of the service.');
}

function webAddress(endpoint: Json | undefined): readonly URL[] {
  if (typeof endpoint !== 'string' || !URL.canParse(endpoint)) return [];
  const url = new URL(endpoint);
  return /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' ? [url] : [];
}

/** RFC 3986 4.2, `relative-ref` without an authority, so that the host stays the one that the document names. */
const relativeReference = /^(?!\/\/)(?![^/?#]*:)(?:[A-Za-z0-9\-._~:/?#@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$/;

/** DID Resolution 13, "Path Traversal via relativeRef": nothing outside of the endpoint's own folder. */
function resolveReference(endpoint: URL, reference: string): readonly URL[] {
  if (!relativeReference.test(reference) || climbs(reference) || !URL.canParse(reference, endpoint.href)) return [];
  const resolved = new URL(reference, endpoint.href);
  const folder = endpoint.pathname.slice(0, endpoint.pathname.lastIndexOf('/') + 1);
  return resolved.origin === endpoint.origin && resolved.pathname.startsWith(folder) ? [resolved] : [];
}

/** Who encodes more often than this hides something. */
const maxDecodings = 4;

/** True when a segment is . or .. in any encoding, be it one that some server decodes twice. */
function climbs(reference: string): boolean {
  let text = reference.split(/[?#]/, 1)[0] ?? '';
  try {
    for (let round = 0; round < maxDecodings; round += 1) {
      const decoded = decodeURIComponent(text);
      if (decoded === text) return text.split(/[/\\]/).some((segment) => segment === '.' || segment === '..');
      text = decoded;
    }
  } catch {
    return true;
  }
  return true;
}

/** DID Resolution 5.4.2: an address inherits the fragment unless it has its own. Of several the first is meant. */
function withFragment([address]: readonly URL[], { fragment }: DidUrl): Dereferenced {
  if (!address) return failure('NOT_FOUND', 'No service that was selected has the address of a web resource.');
  if (fragment !== undefined && address.href.includes('#')) {
    return failure('INVALID_DID_URL', 'There is a fragment in the DID URL and another in the address of the service.');
  }
  const href = fragment === undefined ? address.href : `${address.href}#${fragment}`;
  return href.length <= maxAddressLength ? { address: href } : failure('NOT_FOUND', 'The address is too long to use.');
}

function failure(error: DereferencingErrorName, detail: string): DereferencingError {
  return { error, detail };
}
