import { LetheError } from "./errors.js";

/** The names of the options of T; the compiler sees to it that none is missing. */
export type Names<T> = Record<keyof T, true>;

/** @throws LetheError INVALID_ARGUMENT for one that is none of these, which may be a slip of the pen */
export function onlyOf<T>(options: object, names: Names<T>): void {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(names, name)) {
      throw noOption(name, Object.keys(names));
    }
  }
}

export function noOption(name: string, there: string[]): LetheError {
  return new LetheError("INVALID_ARGUMENT", `${name}: there is no such option; there are ${there.join(", ")}`, undefined,
    undefined, undefined, name);
}
