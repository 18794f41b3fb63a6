import { ScalarType } from "@bufbuild/protobuf";
import { wrong } from "./errors.js";

/** What a field of a message can hold. */
export interface Range {
  readonly words: string;
  holds(value: unknown): boolean;
}

function whole(least: number, most: number): Range {
  return {
    words: `a whole number from ${least} to ${most}`,
    holds: (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  };
}

export const UINT32 = whole(0, 0xffffffff);
export const INT32 = whole(-0x80000000, 0x7fffffff);
export const FLOAT: Range = { words: "a number", holds: (value) => typeof value === "number" };
// As many as a number of JavaScript tells apart.
function whole64(least: bigint, most: bigint): Range {
  return {
    words: `a whole number from ${least} to ${most}, a bigint beyond 2^53`,
    holds: (value) => (typeof value === "bigint" || Number.isSafeInteger(value))
      && BigInt(value as number) >= least && BigInt(value as number) <= most,
  };
}
const INT64 = whole64(-(2n ** 63n), 2n ** 63n - 1n);
const UINT64 = whole64(0n, 2n ** 64n - 1n);
const BOOL: Range = { words: "true or false", holds: (value) => typeof value === "boolean" };
// Half of a character of two is no text that a message can hold.
const STRING: Range = { words: "a text", holds: (value) => typeof value === "string" && !/\p{Surrogate}/u.test(value) };

const SCALARS: Partial<Record<ScalarType, Range>> = {
  [ScalarType.UINT32]: UINT32, [ScalarType.INT32]: INT32, [ScalarType.FLOAT]: FLOAT, [ScalarType.DOUBLE]: FLOAT,
  [ScalarType.INT64]: INT64, [ScalarType.UINT64]: UINT64, [ScalarType.BOOL]: BOOL, [ScalarType.STRING]: STRING,
};

/** @throws LetheError INVALID_ARGUMENT, with the field's name, for a value that it cannot hold */
export function checked<T>(field: string, value: T, range: Range): T {
  if (!range.holds(value)) {
    throw wrong(field, value, range.words);
  }
  return value;
}

export function text(field: string, value: string): string {
  return checked(field, value, STRING);
}

/** A class by name or index; left out: none. */
export function labelOf(label: string | number | undefined): string {
  return typeof label === "number" ? String(label) : text("label", label ?? "");
}

/** The same by the type of the protocol. */
export function checkedAs<T>(field: string, value: T, type: ScalarType): T {
  const range = SCALARS[type];
  return range === undefined ? value : checked(field, value, range);
}
