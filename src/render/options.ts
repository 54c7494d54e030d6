export interface Options {
  /** Width of the terminal; only `terminal` looks at it. */
  readonly columns: number;
  /** Only `terminal` has any. */
  readonly colour: boolean;
  /** Who says this. */
  readonly tool: { readonly name: string; readonly version: string };
}
