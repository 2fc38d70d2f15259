/** The OpenAPI document as far as the journeys read it. */

export interface Media {
  readonly schema?: object;
  readonly example?: unknown;
  readonly examples?: Record<string, { value: unknown }>;
}

export interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: string[];
  readonly security?: Record<string, string[]>[];
  readonly parameters?: (Media & { in: string; name: string; required?: boolean })[];
  readonly requestBody?: { content: Record<string, Media> };
  readonly responses: Record<string, { description: string; content?: Record<string, Media> }>;
}

export interface ApiDocument {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: object;
}

export interface NamedOperation {
  /** As the route list writes it: `POST /path/{name}`. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

export function operationsOf(document: ApiDocument): NamedOperation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );
}

/** All examples of a body or a parameter. */
export function examplesOf(holder: Media): unknown[] {
  const named = Object.values(holder.examples ?? {}).map(({ value }) => value);
  return holder.example === undefined ? named : [holder.example, ...named];
}
