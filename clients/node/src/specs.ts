import { ScalarType, create, type DescField } from "@bufbuild/protobuf";
import { GatesSchema, UnlearnSpecSchema, type UnlearnSpec } from "./gen/lethe/v1/unlearning_pb.js";
import { checkedAs, text } from "./numbers.js";
import { noOption } from "./options.js";
import { numberOf } from "./words.js";

/**
 * How to unlearn; each has a default that works, and is explained at UnlearnSpec in the protocol. A field of UnlearnSpec
 * or Gates that this list lacks, since it is newer, is taken all the same.
 */
export interface Spec {
  model?: string;
  kind?: "item" | "class";
  mode?: "few-shot" | "zero-shot";
  recipe?: "lethe" | "paper";
  substitute?: "average" | "truncation" | "projection" | "nearest";
  classes?: (string | number)[];
  fakeLabel?: number | "auto";
  iterations?: number;
  batch?: number;
  learningRate?: number;
  lambda1?: number;
  lambda2?: number;
  seed?: number;
  maxInversionError?: number;
  badImages?: "refuse" | "skip";
  movingWeight?: number;
  layersUpTo?: number;
  fit?: "exact" | "pad" | "crop" | "resize";
  background?: number;
  skipUnreadable?: boolean;
  requestKey?: string;
  keepPictures?: boolean;
  keepAsCandidate?: boolean;
  minAucLu?: number;
  maxFidLIncrease?: number;
  minAcc?: number;
  minRedactedOwn?: number;
  minRedactedFresh?: number;
  maxCollateral?: number;
  maxFidRootIncrease?: number;
  maxMembership?: number;
  maxRecognised?: number;
  promoteNotForgotten?: boolean;
}

// By names that may be there or not.
const SPEC_FIELDS: Partial<Record<string, DescField>> = UnlearnSpecSchema.field;
const GATE_FIELDS: Partial<Record<string, DescField>> = GatesSchema.field;

// What options stand for in another form.
const HIDDEN = new Set(["gates", "autoFakeLabel"]);

/** @throws LetheError for an option that there is not, and for a value that its field cannot hold */
export function specOf(options: Spec): UnlearnSpec {
  const spec: Record<string, unknown> = {};
  const gates: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) {
      continue;
    }
    const field = SPEC_FIELDS[name];
    if (name === "fakeLabel" && value === "auto") {
      spec.autoFakeLabel = true;
    } else if (name !== "gates" && field !== undefined) {
      spec[name] = valueOf("spec", field, value);
    } else if (GATE_FIELDS[name] !== undefined) {
      gates[name] = valueOf("spec.gates", GATE_FIELDS[name], value);
    } else {
      throw noOption(name, [...Object.keys(SPEC_FIELDS), ...Object.keys(GATE_FIELDS)].filter((one) => !HIDDEN.has(one)));
    }
  }
  return create(UnlearnSpecSchema, Object.keys(gates).length === 0 ? spec : { ...spec, gates });
}

function valueOf(of: string, field: DescField, value: unknown): unknown {
  const path = `${of}.${field.name}`;
  if (field.enum !== undefined) {
    return numberOf(field.enum, path, String(value));
  }
  if (field.localName === "classes") {
    const classes = (typeof value === "object" ? Array.from(value as Iterable<string | number>) : [value]);
    return classes.map((one, at) => text(`${path}[${at}]`, typeof one === "number" ? String(one) : one as string));
  }
  if (field.fieldKind !== "scalar") {
    return value;
  }
  const is64 = typeof value === "number" && (field.scalar === ScalarType.INT64 || field.scalar === ScalarType.UINT64);
  const fitting = checkedAs(path, value, field.scalar);
  return is64 ? BigInt(value) : fitting;
}
