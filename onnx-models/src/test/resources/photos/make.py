"""Makes the photos of PhotosTest and what Pillow, with LittleCMS, makes of them: NAME.expected.png. Run with Pillow 12 and
NumPy. The profiles are built here: Display P3 from its published primaries, and a CMYK profile of a table of 5^4 points."""

import io
import struct

import numpy as np
from PIL import Image, ImageCms, ImageOps


def s15(value):
    return struct.pack(">i", round(value * 65536))


def profile(device, colors, pcs, tags):
    table, data = b"", b""
    offset = 128 + 4 + 12 * len(tags)
    for name, body in tags:
        body += b"\0" * (-len(body) % 4)
        table += name + struct.pack(">II", offset + len(data), len(body))
        data += body
    size = offset + len(data)
    header = struct.pack(">I4sI4s4s4s", size, b"\0" * 4, 0x02400000, device, colors, pcs)
    header += struct.pack(">6H", 2026, 11, 27, 0, 0, 0) + b"acsp" + b"\0" * 28
    header += s15(0.9642) + s15(1) + s15(0.8249)
    header += b"\0" * (128 - len(header))
    return header + struct.pack(">I", len(tags)) + table + data


def text(value):
    return b"desc\0\0\0\0" + struct.pack(">I", len(value) + 1) + value + b"\0" * (1 + 4 + 4 + 2 + 1 + 67)


def xyz(x, y, z):
    return b"XYZ \0\0\0\0" + s15(x) + s15(y) + s15(z)


def display_p3():
    x = np.linspace(0, 1, 1024)
    linear = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    curve = b"curv\0\0\0\0" + struct.pack(">I", 1024) + np.round(linear * 65535).astype(">u2").tobytes()
    # Adapted to D50.
    return profile(b"mntr", b"RGB ", b"XYZ ", [
        (b"desc", text(b"Display P3")), (b"cprt", b"text\0\0\0\0public domain\0"), (b"wtpt", xyz(0.9642, 1, 0.8249)),
        (b"rXYZ", xyz(0.51512, 0.2412, -0.00105)), (b"gXYZ", xyz(0.29198, 0.69225, 0.04189)),
        (b"bXYZ", xyz(0.1571, 0.06657, 0.78407)), (b"rTRC", curve), (b"gTRC", curve), (b"bTRC", curve)])


def cmyk():
    n = 5
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, n)] * 4, indexing="ij"), -1).reshape(-1, 4)
    c, m, y, k = grid.T
    lightness = 100 * (1 - 0.45 * c) * (1 - 0.5 * m) * (1 - 0.08 * y) * (1 - 0.9 * k)
    a = (-35 * c + 75 * m - 5 * y) * (1 - k)
    b = (-48 * c - 5 * m + 90 * y) * (1 - k)
    lab = np.stack([lightness * 2.55, a + 128, b + 128], -1)
    clut = np.clip(np.round(lab), 0, 255).astype(np.uint8).tobytes()
    identity = bytes(range(256))
    body = b"mft1\0\0\0\0" + bytes([4, 3, n, 0]) + b"".join(s15(v) for v in (1, 0, 0, 0, 1, 0, 0, 0, 1))
    body += identity * 4 + clut + identity * 3
    # The way back is used by nobody, but there must be one.
    back = b"mft1\0\0\0\0" + bytes([3, 4, 2, 0]) + b"".join(s15(v) for v in (1, 0, 0, 0, 1, 0, 0, 0, 1))
    back += identity * 3 + bytes([0, 0, 0, 255] * 4 + [0, 0, 0, 0] * 4) + identity * 4
    return profile(b"prtr", b"CMYK", b"Lab ", [
        (b"desc", text(b"Lethe test CMYK")), (b"cprt", b"text\0\0\0\0public domain\0"), (b"wtpt", xyz(0.9642, 1, 0.8249)),
        (b"A2B0", body), (b"B2A0", back)])


def scene(width, height):
    """Smooth, colourful, and different in every corner."""
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width]).reshape(2, 1, 1)
    red = 0.5 + 0.45 * np.sin(5 * x + 2 * y)
    green = 0.5 + 0.45 * np.cos(4 * y + x * y * 3)
    blue = 0.15 + 0.7 * x * (1 - y) + 0.1 * np.sin(11 * x * y)
    pixels = np.stack([red, green, blue], -1)
    pixels[: height // 6, : width // 5] = [1, 0.1, 0.1]
    return np.clip(np.round(pixels * 255), 0, 255).astype(np.uint8)


def grainy(image):
    """The same with edges and grain in it, as photos have them."""
    pixels = np.asarray(image).astype(float)
    height, width = pixels.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    pixels += 30 * np.sign(np.sin(x / 7) * np.cos(y / 5))[..., None]
    pixels += np.random.default_rng(7).normal(0, 12, pixels.shape)
    return Image.fromarray(np.clip(np.round(pixels), 0, 255).astype(np.uint8))


def reference(data, size, fit="crop"):
    """Upright, in sRGB by the relative colorimetric intent, cut to the middle square, resized with Lanczos's filter, as data sets are prepared."""
    image = Image.open(io.BytesIO(data))
    icc = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if icc:
        image = ImageCms.profileToProfile(image, ImageCms.ImageCmsProfile(io.BytesIO(icc)),
                                          ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode="RGB")
    else:
        image = image.convert("RGB")
    side = min(image.size)
    if fit == "crop":
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    return image.resize((size, size), Image.Resampling.LANCZOS)


def save(name, data, size=32, fit="crop"):
    with open(name, "wb") as out:
        out.write(data)
    reference(data, size, fit).save(name.rsplit(".", 1)[0] + ".expected.png", optimize=True)


def encoded(image, format, **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = "Phone"
    return tags.tobytes()


def ycck(image):
    """Pillow writes CMYK alone: so its planes are luma and chroma, and the Adobe marker says so."""
    ink = np.asarray(image.convert("CMYK")).astype(float)
    r, g, b = ink[..., 0], ink[..., 1], ink[..., 2]
    planes = np.stack([0.299 * r + 0.587 * g + 0.114 * b, 128 - 0.168736 * r - 0.331264 * g + 0.5 * b,
                       128 + 0.5 * r - 0.418688 * g - 0.081312 * b, 255 - ink[..., 3]], -1)
    stored = np.clip(np.round(planes), 0, 255).astype(np.uint8)
    data = bytearray(encoded(Image.fromarray(255 - stored, "CMYK"), "JPEG", quality=95, subsampling=0))
    marker = data.index(b"Adobe")
    assert data[marker + 11] == 0
    data[marker + 11] = 2
    return bytes(data)


def main():
    phone = Image.fromarray(scene(4032, 3024))
    save("phone.jpg", encoded(phone, "JPEG", quality=30, icc_profile=display_p3(), exif=exif(6)))
    small = Image.fromarray(scene(120, 90))
    for orientation in range(1, 9):
        save(f"orientation-{orientation}.jpg", encoded(small, "JPEG", quality=92, subsampling=0, exif=exif(orientation)))
    inks = small.convert("CMYK")
    save("cmyk.jpg", encoded(inks, "JPEG", quality=95, subsampling=0))
    # Muted: at the edge of what sRGB holds, LittleCMS's own rounding depends on how it is called.
    muted = Image.blend(small, Image.new("RGB", small.size, (128, 128, 128)), 0.5).convert("CMYK")
    save("cmyk-profile.jpg", encoded(muted, "JPEG", quality=95, subsampling=0, icc_profile=cmyk()))
    save("ycck.jpg", ycck(small))
    save("p3.png", encoded(small, "PNG", icc_profile=display_p3(), optimize=True))
    photo = grainy(Image.fromarray(scene(400, 300)))
    for quality in (95, 80, 50):
        save(f"quality-{quality}.webp", encoded(photo, "WEBP", quality=quality))
    for method in (0, 6):
        save(f"method-{method}.webp", encoded(photo, "WEBP", quality=80, method=method))
    save("lossless.webp", encoded(small, "WEBP", lossless=True, icc_profile=display_p3(), exif=exif(8)))
    save("plain.webp", encoded(small, "WEBP", lossless=True))


main()
