/** All tests of the checker by the id of the statement that they decide. */
import type { Tests } from '../suite.js';
import { bitstringTests } from './bitstring.js';
import { dataIntegrityTests } from './data-integrity.js';
import { diEcdsaTests } from './di-ecdsa.js';
import { diEcdsaSdTests } from './di-ecdsa-sd.js';
import { diEddsaTests } from './di-eddsa.js';
import { didMethodTests } from './did-methods.js';
import { didResolutionTests } from './did-resolution.js';
import { vcJoseCoseTests } from './vc-jose-cose.js';
import { vcJsonSchemaTests } from './vc-json-schema.js';
import { vcalmTests } from './vcalm.js';
import { vcdmTests } from './vcdm.js';

export const allTests: Tests = {
  ...vcdmTests,
  ...dataIntegrityTests,
  ...diEddsaTests,
  ...diEcdsaTests,
  ...diEcdsaSdTests,
  ...bitstringTests,
  ...vcalmTests,
  ...didResolutionTests,
  ...didMethodTests,
  ...vcJoseCoseTests,
  ...vcJsonSchemaTests,
};
