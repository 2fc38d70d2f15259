import type { Json, JsonObject } from '../../json.js';
import { baseContexts, type DataModelVersion } from '../formats.js';

/** The version of the data model that a credential claims by its first context; what names neither is judged as 2.0. */
export function dataModelOf(credential: JsonObject): DataModelVersion {
  const contexts: Json | undefined = credential['@context'];
  return Array.isArray(contexts) && contexts[0] === baseContexts['1.1'] ? '1.1' : '2.0';
}
