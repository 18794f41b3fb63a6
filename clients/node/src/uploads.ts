import { create } from "@bufbuild/protobuf";
import { unzipSync } from "fflate";
import { readFile, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { ImageFormat } from "./gen/lethe/v1/common_pb.js";
import {
  ImageRole, LabelledImageSchema, SubmitRequestSchema, type LabelledImage, type SubmitRequest, type UnlearnSpec,
} from "./gen/lethe/v1/unlearning_pb.js";

/** The path of a file, a folder or a zip file; the bytes of a PNG or JPEG file, also as a Blob. */
export type Picture = string | Uint8Array | Blob;
/** Pictures to upload: one, one with its label, or many of these. */
export type Source = Picture | readonly [Picture, string | number] | Iterable<Source> | AsyncIterable<Source>;

// Larger than any picture of 1024 x 1024 pixels; a file above it is a mistake.
const MAX_FILE_BYTES = 32 << 20;
// Well below the server's limit of one message; an image larger than this goes alone.
const MESSAGE_BYTES = 1 << 20;

/** The specification, then the images in order, several in a message. */
export async function* messages(spec: UnlearnSpec, unlearn: Source, learn: Source, label: string | number | undefined
): AsyncGenerator<SubmitRequest> {
  yield create(SubmitRequestSchema, { part: { case: "spec", value: spec } });
  yield* batches(ImageRole.UNLEARN, read(unlearn, label));
  yield* batches(ImageRole.LEARN, read(learn));
}

async function* batches(role: ImageRole, images: AsyncIterable<LabelledImage>): AsyncGenerator<SubmitRequest> {
  const message = (batch: LabelledImage[]) =>
    create(SubmitRequestSchema, { part: { case: "images", value: { role, images: batch } } });
  let batch: LabelledImage[] = [];
  let size = 0;
  for await (const image of images) {
    const bytes = (image.image?.data.length ?? 0) + image.label.length + 16;
    if (batch.length > 0 && size + bytes > MESSAGE_BYTES) {
      yield message(batch);
      batch = [];
      size = 0;
    }
    batch.push(image);
    size += bytes;
  }
  if (batch.length > 0) {
    yield message(batch);
  }
}

/** The same images, as something that can be read more than once. */
export async function repeatable(source: Source): Promise<Source> {
  if (typeof source === "object" && (Symbol.asyncIterator in source || Symbol.iterator in source && "next" in source)) {
    const all: Source[] = [];
    for await (const one of source as AsyncIterable<Source>) {
      all.push(one);
    }
    return all;
  }
  return source;
}

/**
 * The images of a source, one at a time.
 *
 * @param label of every image, instead of the names of sub-folders
 * @throws Error for what cannot be read, with its name
 */
export async function* read(source: Source, label?: string | number): AsyncGenerator<LabelledImage> {
  if (typeof source === "string") {
    yield* fromPath(source, label);
  } else if (source instanceof Uint8Array) {
    yield labelled(source, formatOf(source), label);
  } else if (source instanceof Blob) {
    yield* read(new Uint8Array(await source.arrayBuffer()), label);
  } else if (isLabelled(source)) {
    yield* read(source[0], label ?? source[1]);
  } else if (source !== null && typeof source === "object"
      && (Symbol.iterator in source || Symbol.asyncIterator in source)) {
    for await (const one of source) {
      yield* read(one, label);
    }
  } else {
    throw new TypeError(`${String(source)} is no image: give a path, bytes or a Blob`);
  }
}

function isLabelled(source: Source): source is readonly [Picture, string | number] {
  // Of two paths, the second is no label.
  return Array.isArray(source) && source.length === 2
    && (typeof source[1] === "number" || typeof source[1] === "string" && typeof source[0] !== "string");
}

async function* fromPath(name: string, label: string | number | undefined): AsyncGenerator<LabelledImage> {
  if ((await stat(name)).isDirectory()) {
    const entries = await readdir(name, { withFileTypes: true, recursive: true });
    const files = entries.filter((entry) => entry.isFile())
      .map((entry) => path.relative(name, path.join(entry.parentPath ?? entry.path, entry.name)).split(path.sep))
      .filter(isImage).sort(byPath);
    if (files.length === 0) {
      throw new Error(`${name} holds no .png, .jpg or .jpeg file`);
    }
    for (const file of files) {
      yield fromFile(file.join("/"), await readFile(path.join(name, ...file)), label ?? file.at(-2));
    }
  } else if (/\.zip$/i.test(name)) {
    const files = unzipSync(await readFile(name), { filter: (file) => {
      const wanted = !file.name.endsWith("/") && isImage(file.name.split("/"));
      if (wanted) {
        checkSize(`${name}:${file.name}`, file.originalSize);
      }
      return wanted;
    } });
    const names = Object.keys(files).map((file) => file.split("/")).sort(byPath);
    if (names.length === 0) {
      throw new Error(`${name} holds no .png, .jpg or .jpeg file`);
    }
    for (const file of names) {
      yield fromFile(file.join("/"), files[file.join("/")] as Uint8Array, label ?? file.at(-2));
    }
  } else if (formatNamed(name) === undefined) {
    throw new Error(`${name} is not named .png, .jpg, .jpeg or .zip`);
  } else {
    yield fromFile(name, await readFile(name), label);
  }
}

function fromFile(name: string, data: Uint8Array, label: string | number | undefined): LabelledImage {
  checkSize(name, data.length);
  return labelled(data, formatNamed(name) ?? ImageFormat.UNSPECIFIED, label);
}

function labelled(data: Uint8Array, format: ImageFormat, label: string | number | undefined): LabelledImage {
  return create(LabelledImageSchema, { image: { format, data: data as Uint8Array<ArrayBuffer> }, label: String(label ?? "") });
}

function checkSize(name: string, bytes: number): void {
  if (bytes > MAX_FILE_BYTES) {
    throw new Error(`${name} is larger than ${MAX_FILE_BYTES >> 20} MiB`);
  }
}

/** Not what file managers leave behind. */
function isImage(file: string[]): boolean {
  return formatNamed(file.at(-1) ?? "") !== undefined && !file.some((part) => part.startsWith(".") || part === "__MACOSX");
}

function byPath(a: string[], b: string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [left = "", right = ""] = [a[i], b[i]];
    if (left !== right) {
      return left < right ? -1 : 1;
    }
  }
  return a.length - b.length;
}

function formatNamed(name: string): ImageFormat | undefined {
  return /\.png$/i.test(name) ? ImageFormat.PNG : /\.jpe?g$/i.test(name) ? ImageFormat.JPEG : undefined;
}

function formatOf(data: Uint8Array): ImageFormat {
  const starts = (...bytes: number[]) => bytes.every((byte, i) => data[i] === byte);
  if (starts(0x89, 0x50, 0x4e, 0x47)) {
    return ImageFormat.PNG;
  }
  if (starts(0xff, 0xd8, 0xff)) {
    return ImageFormat.JPEG;
  }
  throw new TypeError("bytes are neither a PNG nor a JPEG file");
}
