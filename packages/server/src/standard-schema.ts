/**
 * The Standard Schema interface (https://standardschema.dev), version 1. It is written out here so
 * that an inferred type names nothing that a user has not installed.
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': StandardSchemaProps<Input, Output>;
}

// A namespace would be the usual form; erasable syntax has none, so the parts are types of their own.
export interface StandardSchemaProps<Input = unknown, Output = Input> {
  readonly version: 1;
  readonly vendor: string;
  readonly validate: (
    value: unknown,
  ) => StandardSchemaResult<Output> | Promise<StandardSchemaResult<Output>>;
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
}

export type StandardSchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: ReadonlyArray<StandardSchemaIssue> };

export interface StandardSchemaIssue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

export type InputOf<S> = S extends StandardSchemaV1<infer I, unknown> ? I : never;
export type OutputOf<S> = S extends StandardSchemaV1<unknown, infer O> ? O : never;
