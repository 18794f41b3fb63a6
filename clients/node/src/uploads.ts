import { create, toBinary } from "@bufbuild/protobuf";
import { unzipSync, type Unzipped, type UnzipOptions } from "fflate";
import { open, readFile, readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { LetheError } from "./errors.js";
import { ImageFormat } from "./gen/lethe/v1/common_pb.js";
import {
  ImageRole, LabelledImageSchema, SubmitRequestSchema, type LabelledImage, type SubmitRequest, type UnlearnSpec,
} from "./gen/lethe/v1/unlearning_pb.js";
import { labelOf } from "./numbers.js";

/** The path of a file, a folder or a zip file; the bytes of a PNG, JPEG or WebP file, also as a Blob. */
export type Picture = string | Uint8Array | Blob;
/** Pictures to upload: one, one with its label, or many of these. */
export type Source = Picture | readonly [Picture, string | number] | Iterable<Source> | AsyncIterable<Source>;

// The server reads no larger ones.
const MAX_FILE_BYTES = 31 << 20;
// Bytes that tell what a file is.
const START = 12;
// Reading a pipe might never end.
const NO_FILE = "no regular file, but a pipe, a socket or a device";
// What the server says of a message that it does not read, since it is too large.
const ABOVE_LIMIT = /a message of \w+ exceeds the limit of (\d+) bytes/;
// Files that an error lists; it counts the rest.
const LISTED = 20;
// What file managers leave behind, beside files whose names begin with a dot.
const LITTER = new Set(["thumbs.db", "desktop.ini", "__macosx"]);
// Well below the server's limit of one message; an image larger than this goes alone.
const MESSAGE_BYTES = 1 << 20;

/** The specification, then the images in order, several in a message. */
export async function* messages(spec: UnlearnSpec, unlearn: Source, learn: Source, label: string | number | undefined
): AsyncGenerator<SubmitRequest> {
  yield create(SubmitRequestSchema, { part: { case: "spec", value: spec } });
  yield* batches(ImageRole.UNLEARN, read(unlearn, label, spec.skipUnreadable));
  yield* batches(ImageRole.LEARN, read(learn, undefined, spec.skipUnreadable));
}

/** Where the images are that were sent, by the names of their files. */
export class Places {
  private readonly places = new Map<string, string>();
  /** Of images that went alone, since they are large. */
  private readonly large: { bytes: number; place: string; name: string }[] = [];

  async *noted(sent: AsyncIterable<SubmitRequest>): AsyncGenerator<SubmitRequest> {
    const counts = { unlearn: 0, learn: 0 };
    for await (const message of sent) {
      if (message.part.case === "images") {
        const role = message.part.value.role === ImageRole.LEARN ? "learn" : "unlearn";
        for (const { name } of message.part.value.images) {
          const place = `${role} images[${counts[role]++}]`;
          if (name !== "" && !this.places.has(name)) {
            this.places.set(name, place);
          }
          if (message.part.value.images.length === 1) {
            const bytes = toBinary(SubmitRequestSchema, message).length;
            if (bytes > MESSAGE_BYTES) {
              this.large.push({ bytes, place, name });
            }
          }
        }
      }
      yield message;
    }
  }

  /** The same error. The server calls images by their files' names, if they have any; a field is their place. */
  placed(error: LetheError): LetheError {
    for (const [part, end] of [["image", ": "], ["label", ", label: "]] as const) {
      const place = this.places.get(error.message.split(end)[0] ?? "");
      if (place !== undefined) {
        return error.of(`${place}.${part}`);
      }
    }
    const limit = ABOVE_LIMIT.exec(error.message)?.[1];
    const above = this.large.find((sent) => limit !== undefined && sent.bytes > Number(limit));
    return above === undefined ? error : error.of(`${above.place}.image`, above.name);
  }
}

/** The same images; of one that is refused here, the error has its place in the request as field. */
async function* told(images: AsyncIterable<LabelledImage>, role: string): AsyncGenerator<LabelledImage> {
  let at = 0;
  try {
    for await (const image of images) {
      yield image;
      at++;
    }
  } catch (reason) {
    throw reason instanceof LetheError ? reason.within(`${role} images[${at}]`) : reason;
  }
}

async function* batches(role: ImageRole, images: AsyncIterable<LabelledImage>): AsyncGenerator<SubmitRequest> {
  const message = (batch: LabelledImage[]) =>
    create(SubmitRequestSchema, { part: { case: "images", value: { role, images: batch } } });
  let batch: LabelledImage[] = [];
  let size = 0;
  for await (const image of told(images, role === ImageRole.LEARN ? "learn" : "unlearn")) {
    const bytes = (image.image?.data.length ?? 0) + image.label.length + 3 * image.name.length + 16;
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
 * The images of a source, one at a time. Files are PNG, JPEG or WebP, by their contents.
 *
 * @param label of every image, instead of the names of sub-folders
 * @param skip leave other files of a folder or a zip file out, with a warning; they are refused without it
 * @throws Error for a file that cannot be read, LetheError INVALID_ARGUMENT for what is no image
 */
export async function* read(source: Source, label?: string | number, skip = false): AsyncGenerator<LabelledImage> {
  if (typeof source === "string") {
    yield* fromPath(source, label, skip);
  } else if (source instanceof Uint8Array) {
    const reason = wrong(source, source.length);
    if (reason !== undefined) {
      throw refused(`the bytes are ${reason}`);
    }
    yield labelled("", source, label);
  } else if (source instanceof Blob) {
    yield* read(new Uint8Array(await source.arrayBuffer()), label);
  } else if (isLabelled(source)) {
    yield* read(source[0], label ?? source[1], skip);
  } else if (source !== null && typeof source === "object"
      && (Symbol.iterator in source || Symbol.asyncIterator in source)) {
    for await (const one of source) {
      yield* read(one, label, skip);
    }
  } else {
    throw refused(`${String(source)} is no image: give a path, bytes or a Blob`);
  }
}

function refused(words: string): LetheError {
  return new LetheError("INVALID_ARGUMENT", words);
}

function isLabelled(source: Source): source is readonly [Picture, string | number] {
  // Of two paths, the second is no label.
  return Array.isArray(source) && source.length === 2
    && (typeof source[1] === "number" || typeof source[1] === "string" && typeof source[0] !== "string");
}

function unzipped(name: string, data: Uint8Array, options: UnzipOptions): Unzipped {
  try {
    return unzipSync(data, options);
  } catch (reason) {
    throw refused(`${name} cannot be read as a zip file: ${String(reason)}`);
  }
}

async function* fromPath(name: string, label: string | number | undefined, skip: boolean): AsyncGenerator<LabelledImage> {
  const about = await stat(name);
  if (!about.isDirectory() && !about.isFile()) {
    throw refused(`${name} is ${NO_FILE}`);
  }
  if (about.isDirectory()) {
    const root = await realpath(name);
    const entries = await readdir(name, { withFileTypes: true, recursive: true });
    const files: LookedAt[] = [];
    for (const entry of entries) {
      const full = path.join(entry.parentPath ?? entry.path, entry.name);
      const file = path.relative(name, full).split(path.sep);
      // Links are not followed out of the folder: one may lead to any file of the machine.
      if (!isWanted(file) || entry.isDirectory()) {
        continue;
      }
      const behind = await stat(full);
      if (!behind.isDirectory() && (await realpath(full)).startsWith(root + path.sep)) {
        files.push({ file, wrong: behind.isFile() ? await wrongFile(full) : NO_FILE, read: () => readFile(full) });
      }
    }
    yield* fromFiles(name, files, label, skip);
  } else if (/\.zip$/i.test(name)) {
    const tooLarge = new Set<string>();
    const names: string[] = [];
    const unpacked = unzipped(name, await readFile(name), { filter: (file) => {
      if (file.name.endsWith("/") || !isWanted(file.name.split("/"))) {
        return false;
      }
      names.push(file.name);
      if (file.originalSize > MAX_FILE_BYTES) {
        tooLarge.add(file.name);
      }
      return file.originalSize <= MAX_FILE_BYTES;
    } });
    yield* fromFiles(name, names.map((file) => {
      const data = unpacked[file] ?? new Uint8Array();
      return { file: file.split("/"), wrong: wrong(data, tooLarge.has(file) ? MAX_FILE_BYTES + 1 : data.length),
        read: () => Promise.resolve(data) };
    }), label, skip);
  } else {
    const reason = await wrongFile(name);
    if (reason !== undefined) {
      throw refused(`${name} is ${reason}`);
    }
    yield labelled(name, await readFile(name), label);
  }
}

/** A file of a folder or a zip file, and why it is not taken, if it is not. */
interface LookedAt {
  file: string[];
  wrong: string | undefined;
  read: () => Promise<Uint8Array>;
}

/** All were looked at before the first is read: what is refused is refused at once. */
async function* fromFiles(root: string, files: LookedAt[], label: string | number | undefined, skip: boolean
): AsyncGenerator<LabelledImage> {
  files.sort((a, b) => byPath(a.file, b.file));
  const others = files.filter((one) => one.wrong !== undefined).map((one) => `${one.file.join("/")} (${one.wrong})`);
  if (others.length > 0 && !skip) {
    const more = others.length > LISTED ? ` and ${others.length - LISTED} more` : "";
    throw refused(`${root} holds files that are not taken: ${others.slice(0, LISTED).join(", ")}${more}; take them out,`
      + " or leave them out with skipUnreadable");
  }
  for (const other of others) {
    process.emitWarning(`${root}: left out ${other}`, "LetheWarning");
  }
  if (others.length === files.length) {
    throw refused(`${root} holds no PNG, JPEG or WebP file`);
  }
  for (const { file, wrong, read } of files) {
    if (wrong === undefined) {
      yield labelled(path.join(root, ...file), await read(), label ?? file.at(-2));
    }
  }
}

function labelled(name: string, data: Uint8Array, label: string | number | undefined): LabelledImage {
  return create(LabelledImageSchema, {
    image: { format: formatOf(data) ?? ImageFormat.UNSPECIFIED, data: data as Uint8Array<ArrayBuffer> },
    // Names of files are for errors alone.
    label: labelOf(label), name: name.replace(/\p{Surrogate}/gu, "\ufffd"),
  });
}

function isWanted(file: string[]): boolean {
  return !file.some((part) => part.startsWith(".") || LITTER.has(part.toLowerCase()));
}

async function wrongFile(name: string): Promise<string | undefined> {
  const opened = await open(name);
  try {
    const start = new Uint8Array(START);
    const { bytesRead } = await opened.read(start, 0, START, 0);
    return wrong(start.subarray(0, bytesRead), (await opened.stat()).size);
  } finally {
    await opened.close();
  }
}

/** Why a file that begins so is not taken; undefined if it is. */
function wrong(data: Uint8Array, size: number): string | undefined {
  const text = (from: number, to: number) => String.fromCharCode(...data.subarray(from, to));
  if (size > MAX_FILE_BYTES) {
    return `larger than ${MAX_FILE_BYTES >> 20} MiB`;
  }
  if (size === 0) {
    return "empty";
  }
  if (formatOf(data) !== undefined || text(0, 4) === "RIFF" && text(8, 12) === "WEBP") {
    return undefined;
  }
  if (text(0, 4) === "GIF8") {
    return "a GIF image; save it as PNG, JPEG or WebP";
  }
  if (text(4, 8) === "ftyp") {
    return text(8, 10) === "he" || text(8, 11) === "mif" ? "a HEIC image, which is not read here; save it as JPEG"
      : "an AVIF image or a video; save it as JPEG or PNG";
  }
  return "no PNG, JPEG or WebP image";
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

/** What the protocol calls it; WebP has no name there, and is known by its contents. */
function formatOf(data: Uint8Array): ImageFormat | undefined {
  const starts = (...bytes: number[]) => bytes.every((byte, i) => data[i] === byte);
  return starts(0x89, 0x50, 0x4e, 0x47) ? ImageFormat.PNG : starts(0xff, 0xd8, 0xff) ? ImageFormat.JPEG : undefined;
}
