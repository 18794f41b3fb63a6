"""Images of every form become the uploads that they should."""

import io
import os
import tempfile
import unittest
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from lethe_client import InvalidArgument, ResourceExhausted, specs, uploads
from lethe_client.v1 import common_pb2, unlearning_pb2


class Tensor:
    """What PyTorch's tensors have in common with this client."""

    def __init__(self, array):
        self._array = array

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return self._array


def decoded(source, label=None):
    """Arrays and labels."""
    return [(np.asarray(Image.open(io.BytesIO(image.image.data))), image.label)
            for image in uploads.read(source, label)]


class UploadsTest(unittest.TestCase):
    def setUp(self):
        self.grey = np.random.default_rng(0).integers(0, 256, (5, 32, 32), np.uint8)
        self.colour = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), np.uint8)

    def same(self, expected, source):
        for array, (image, _) in zip(expected, decoded(source), strict=True):
            np.testing.assert_array_equal(array, image)

    def test_layouts_of_arrays(self):
        self.same(self.grey, self.grey)
        self.same(self.grey, self.grey[..., None])
        self.same(self.grey, self.grey[:, None])
        self.same(self.colour, self.colour)
        self.same(self.colour, self.colour.transpose(0, 3, 1, 2))
        self.same(self.grey[:1], self.grey[0])
        self.same(self.colour[:1], self.colour[0])
        self.same(self.grey[:3], self.grey[:3, None])

    def test_floats_and_tensors(self):
        floats = self.grey.astype(np.float32) / 127.5 - 1
        self.same(self.grey, floats)
        self.same(self.grey, Tensor(floats[:, None]))

    def test_what_is_no_array_of_images(self):
        for array, words in ((self.grey[:3], "three grey images or one in colour"),
                             (np.zeros((2, 5, 32, 32), np.uint8), "holds no images"),
                             (np.zeros(7, np.uint8), "holds no images"),
                             (np.zeros((1, 32, 32), np.int64), "int64"),
                             (np.full((1, 32, 32), 255.0), "from -1 to 1"),
                             (np.full((1, 32, 32), np.nan), "from -1 to 1")):
            with self.assertRaisesRegex(ValueError, words):
                decoded(array)
        with self.assertRaisesRegex(TypeError, "int is no image"):
            decoded(7)

    def test_labels(self):
        pairs = [(Tensor(self.grey[0]), 7), (Image.fromarray(self.grey[1]), "eight")]
        self.assertEqual(["7", "eight"], [label for _, label in decoded(pairs)])
        self.assertEqual(["3", "3"], [label for _, label in decoded(pairs, 3)])
        self.assertEqual(["", ""], [label for _, label in decoded(self.grey[:2])])

    def test_folders_and_zip_files_hold_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "images"
            for i, place in enumerate(("a.b/1.png", "a/2.PNG", "a/deep/3.png", "4.png", ".hidden/5.png")):
                (root / place).parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(self.grey[i]).save(root / place, "PNG")
            Image.fromarray(self.grey[3]).save(root / "4.png", "WEBP", lossless=True)
            (root / "Thumbs.db").write_text("what a file manager leaves behind")
            archive = Path(folder) / "images.zip"

            def pack():
                with zipfile.ZipFile(archive, "w") as out:
                    for file in root.rglob("*"):
                        out.write(file, file.relative_to(root))

            pack()
            labels, names = ["", "a", "deep", "a.b"], ["4.png", "a/2.PNG", "a/deep/3.png", "a.b/1.png"]
            for source in (root, str(archive), [root / "4.png", root / "a", root / "a.b"]):
                self.assertEqual(4, len(decoded(source)))
            for source in (root, archive):
                self.assertEqual(labels, [label for _, label in decoded(source)])
                self.assertEqual([str(Path(source) / name) for name in names],
                                 [image.name for image in uploads.read(source)])
            (root / "a/notes.txt").write_text("no image")
            (root / "a/photo.heic").write_bytes(b"\0\0\0\x18ftypheic")
            (root / "a/way-out.png").symlink_to(archive)
            pack()
            with self.assertRaisesRegex(ValueError, "notes.txt is no PNG, JPEG or WebP image"):
                decoded(root / "a/notes.txt")
            for source in (root, archive):
                with self.assertRaisesRegex(ValueError, r"holds files that are not taken: a.notes.txt \(no PNG.*HEIC"):
                    decoded(source)
                with self.assertWarnsRegex(UserWarning, "left out a.notes.txt"):
                    self.assertEqual(4, len(list(uploads.read(source, skip=True))))

    def test_errors_name_files_and_places(self):
        images = [unlearning_pb2.LabelledImage(name=name) for name in ("", "7/me.png")]
        sending = uploads.Sending(uploads.messages(unlearning_pb2.UnlearnSpec(), images, images[:1]))
        self.assertEqual(3, len(list(sending)))
        for words, field in (("7/me.png: has 30 x 30 pixels", "unlearn images[1].image"),
                             ("7/me.png, label: is empty", "unlearn images[1].label"),
                             ("unlearn images[0].label: is empty", "unlearn images[0].label"), ("no", None)):
            self.assertEqual(field, sending.placed(InvalidArgument(words)).field)

    def test_what_holds_no_image_is_told_by_its_place(self):
        image = Image.new("L", (2, 2))
        for source, field in ((b"junk", "learn images[1].image"), (np.full((1, 2, 2), np.nan), "learn images[1].image"),
                              (np.zeros((1, 2, 2), np.int64), "learn images[1].image"),
                              ((image, "\ud800"), "learn images[1].label")):
            sending = uploads.Sending(uploads.messages(
                unlearning_pb2.UnlearnSpec(), uploads.read(image), uploads.read([image, source])))
            with self.assertRaises(InvalidArgument) as caught:
                list(sending)
            self.assertEqual(field, caught.exception.field, caught.exception)
            self.assertIs(caught.exception, sending.failure)
        for source in (b"junk", [image, image], []):
            with self.assertRaises(InvalidArgument) as caught:
                uploads.one(source, None)
            self.assertEqual("image", caught.exception.field)
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder, "broken.zip")
            archive.write_bytes(b"PK")
            with self.assertRaisesRegex(InvalidArgument, "broken.zip"):
                list(uploads.read(archive))
            # A name in an old encoding.
            named = Path(os.fsdecode(os.path.join(os.fsencode(folder), b"\xff.png")))
            image.save(named)
            self.assertEqual("?.png", Path(next(uploads.read(named)).name).name)

    def test_messages_stay_small_and_in_order(self):
        images = [unlearning_pb2.LabelledImage(image=common_pb2.Image(data=bytes(size)))
                  for size in (400_000, 400_000, 400_000, 3_000_000, 10)]
        sent = list(uploads.messages(unlearning_pb2.UnlearnSpec(seed=7), images, images[:1]))
        self.assertEqual(7, sent[0].spec.seed)
        self.assertEqual([2, 1, 1, 1, 1], [len(message.images.images) for message in sent[1:]])
        self.assertEqual([1, 1, 1, 1, 2], [message.images.role for message in sent[1:]])

    def test_specifications(self):
        spec = specs.build({"kind": "class", "classes": [7, "8"], "fake_label": "auto", "min_acc": 0.5, "seed": None})
        self.assertEqual(unlearning_pb2.UNLEARN_KIND_CLASS, spec.kind)
        self.assertEqual(["7", "8"], list(spec.classes))
        self.assertTrue(spec.auto_fake_label)
        self.assertEqual(0.5, spec.gates.min_acc)
        self.assertFalse(spec.HasField("seed"))
        with self.assertRaisesRegex(ValueError, "few-shot, zero-shot"):
            specs.build({"mode": "some-shot"})
        with self.assertRaisesRegex(TypeError, "no option 'colour'"):
            specs.build({"colour": 3})


    def test_pipes_are_not_waited_for(self):
        with tempfile.TemporaryDirectory() as held:
            pipe = Path(held) / "b.png"
            os.mkfifo(pipe)
            with self.assertRaisesRegex(InvalidArgument, "b.png is no regular file"):
                list(uploads.read(pipe))
            Image.new("L", (2, 2)).save(Path(held) / "a.png")
            with self.assertRaisesRegex(InvalidArgument, r"b.png \(no regular file"):
                list(uploads.read(held))

    def test_an_image_above_the_servers_limit_is_named(self):
        large = [unlearning_pb2.LabelledImage(name=name, image=common_pb2.Image(data=bytes(size)))
                 for name, size in (("a.png", 10), ("b.png", 3 << 20), ("c.png", 2 << 20))]
        sending = uploads.Sending(uploads.messages(unlearning_pb2.UnlearnSpec(), large, []))
        list(sending)
        error = sending.placed(ResourceExhausted("a message of Submit exceeds the limit of 2500000 bytes"))
        self.assertEqual("unlearn images[1].image", error.field)
        self.assertEqual("b.png: a message of Submit exceeds the limit of 2500000 bytes", error.message)
        other = sending.placed(ResourceExhausted("too many at once"))
        self.assertIsNone(other.field)


if __name__ == "__main__":
    unittest.main()
