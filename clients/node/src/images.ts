import { ImageFormat } from "./gen/lethe/v1/common_pb.js";
import type { GeneratedImage as Message } from "./gen/lethe/v1/generation_pb.js";

/** One image, as the server drew it. */
export class GeneratedImage {
  /** @param proto the message as it came */
  constructor(readonly proto: Message) {}

  /** Its place in the request. */
  get index(): number {
    return this.proto.index;
  }

  /** The seed that it comes from; undefined where it comes from z or w. */
  get seed(): number | undefined {
    return this.proto.seed;
  }

  /** Its class; undefined of unconditional models, and where it comes from w. */
  get label(): string | undefined {
    return this.proto.label;
  }

  /** The version that made it. */
  get version(): string {
    return this.proto.version;
  }

  /** num_ws * w_dim values, which generate({ w: [...] }) takes; undefined unless includeW asked for it. */
  get w(): number[] | undefined {
    return this.proto.w?.values;
  }

  /** A PNG or JPEG file; of raw images little-endian floats. */
  get data(): Uint8Array {
    return this.proto.image?.data ?? new Uint8Array();
  }

  /** image/png, image/jpeg or, of raw images, application/octet-stream. */
  get type(): string {
    const types: Partial<Record<ImageFormat, string>> = {
      [ImageFormat.PNG]: "image/png", [ImageFormat.JPEG]: "image/jpeg",
    };
    return types[this.proto.image?.format ?? ImageFormat.UNSPECIFIED] ?? "application/octet-stream";
  }

  /** For a page's img, or a file. */
  blob(): Blob {
    return new Blob([this.data as Uint8Array<ArrayBuffer>], { type: this.type });
  }

  /**
   * A raw image's values, about -1 to 1, in row-major order, and their shape [C, H, W].
   *
   * @throws TypeError for an image of another format
   */
  floats(): { values: Float32Array; shape: [number, number, number] } {
    const image = this.proto.image;
    if (image?.format !== ImageFormat.RAW) {
      throw new TypeError(`the image is of type ${this.type}; ask for format "raw"`);
    }
    const [c = 0, h = 0, w = 0] = image.shape;
    const values = new Float32Array(c * h * w);
    const bytes = new DataView(image.data.buffer, image.data.byteOffset, image.data.byteLength);
    for (let i = 0; i < values.length; i++) {
      values[i] = bytes.getFloat32(4 * i, true);
    }
    return { values, shape: [c, h, w] };
  }
}

/** All images of one answer, made by one version. */
export class Images extends Array<GeneratedImage> {
  model = "";
  version = "";

  // What map and filter give are plain arrays.
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}
