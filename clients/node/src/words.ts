import type { DescEnum } from "@bufbuild/protobuf";
import { wrong } from "./errors.js";

/** Values of an enumeration as users write them: FEW_SHOT is few-shot. */
function word(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

export function numberOf(type: DescEnum, field: string, text: string): number {
  const known = type.values.filter((value) => value.number !== 0);
  const found = known.find((value) => word(value.localName) === text);
  if (found === undefined) {
    throw wrong(field, text, `one of ${known.map((value) => word(value.localName)).join(", ")}`);
  }
  return found.number;
}

/** The other way round; a value that this client does not know is its number. */
export function wordOf(type: DescEnum, number: number): string {
  const known = type.value[number];
  return known === undefined ? String(number) : word(known.localName);
}
