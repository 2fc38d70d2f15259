/**
 * The building blocks of the catalogue's source: one claim is a JSON Schema (2020-12) and, for JSON-LD, the type of its value.
 * Both published files of a credential type come from these, so a schema and its context can not drift apart.
 * Every pattern repeats what `format` says, for outside validators treat `format` as an annotation only.
 */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** What JSON-LD needs to know about a value; undefined is a plain literal or a node object. */
export type ValueType = 'date' | 'dateTime' | 'id';

export interface Claim {
  readonly schema: JsonObject;
  readonly valueType?: ValueType;
  readonly required?: true;
  /** Members of an object, or of the objects in an array: they become terms of the context as well. */
  readonly members?: Readonly<Record<string, Claim>>;
}
export type Claims = Readonly<Record<string, Claim>>;

export const datePattern = '^\\d{4}-\\d{2}-\\d{2}$';
/** XML Schema dateTimeStamp as VCDM 2.0 §4.9 wants it: a time zone is not optional. */
export const dateTimePattern = '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?(Z|[+-]\\d{2}:\\d{2})$';
const noControlCharacters = '^[^\\u0000-\\u001F\\u007F]+$';

export function required(claim: Claim): Claim {
  return { ...claim, required: true };
}

export function text(title: string, description: string, maxLength = 200): Claim {
  return { schema: { type: 'string', title, description, minLength: 1, maxLength, pattern: noControlCharacters } };
}

export function date(title: string, description: string): Claim {
  return { schema: { type: 'string', title, description, format: 'date', pattern: datePattern }, valueType: 'date' };
}

export function dateTime(title: string, description: string): Claim {
  return {
    schema: { type: 'string', title, description, format: 'date-time', pattern: dateTimePattern },
    valueType: 'dateTime',
  };
}

export function flag(title: string, description: string): Claim {
  return { schema: { type: 'boolean', title, description } };
}

export function choice(title: string, description: string, values: readonly string[]): Claim {
  return { schema: { type: 'string', title, description, enum: [...values] } };
}

export function constant(title: string, description: string, value: string): Claim {
  return { schema: { type: 'string', title, description, const: value } };
}

export function code(title: string, description: string, pattern: string): Claim {
  return { schema: { type: 'string', title, description, pattern } };
}

export function webAddress(title: string, description: string): Claim {
  return {
    schema: { type: 'string', title, description, format: 'uri', pattern: '^https://[^\\s"<>]+$', maxLength: 500 },
    valueType: 'id',
  };
}

export function emailAddress(title: string, description: string): Claim {
  return {
    schema: {
      type: 'string',
      title,
      description,
      format: 'email',
      pattern: '^[^\\s@]+@[^\\s@]{1,190}$',
      maxLength: 254,
    },
  };
}

/** The JSON Schema of a closed object; nothing that is not listed gets in. */
export function closedObject(members: Claims, rules: JsonObject = {}): JsonObject {
  const names = Object.keys(members).filter((name) => members[name]?.required);
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(members).map(([name, claim]) => [name, claim.schema])),
    ...(names.length > 0 ? { required: names } : {}),
    ...rules,
    unevaluatedProperties: false,
  };
}

export function record(title: string, description: string, members: Claims, rules: JsonObject = {}): Claim {
  return { schema: { title, description, ...closedObject(members, rules) }, members };
}

export function list(title: string, description: string, item: Claim, maxItems: number): Claim {
  const schema = { type: 'array', title, description, minItems: 1, maxItems, uniqueItems: true, items: item.schema };
  return { schema, ...(item.members ? { members: item.members } : {}) };
}

const organisationName = text('Organisation name', 'The name of the organisation as it is registered.');
const odsCode = code(
  'ODS code',
  'The Organisation Data Service code of the organisation, for example RXA.',
  '^[A-Z0-9]{3,10}$',
);

/** An organisation that must be named by its ODS code. */
export function organisation(title: string, description: string): Claim {
  return record(title, description, { name: required(organisationName), odsCode: required(odsCode) });
}

/** An organisation outside the health service may have no ODS code. */
export function organisationReference(title: string, description: string): Claim {
  const lei = code(
    'Legal Entity Identifier',
    'ISO 17442 identifier, for organisations without an ODS code.',
    '^[A-Z0-9]{18}\\d{2}$',
  );
  return record(title, description, { name: required(organisationName), odsCode, lei });
}

export function contact(title: string, description: string): Claim {
  return record(title, description, {
    name: required(text('Contact name', 'The person or the team to ask.')),
    email: required(emailAddress('Work e-mail', 'A work e-mail address; never a private one.')),
    phone: code('Work telephone', 'A work telephone number; never a private one.', '^\\+?[0-9 ]{6,20}$'),
  });
}

export { odsCode };
