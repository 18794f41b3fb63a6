package lethe

import (
	"archive/zip"
	"bytes"
	"errors"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"lethe.dev/lethe/lethev1"
)

func picture(t *testing.T) []byte {
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// folderOf writes files, and a zip file of the same beside it.
func folderOf(t *testing.T, files map[string][]byte) (string, string) {
	root := filepath.Join(t.TempDir(), "images")
	for name, data := range files {
		file := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	archive, err := os.Create(root + ".zip")
	if err != nil {
		t.Fatal(err)
	}
	writer := zip.NewWriter(archive)
	if err := errors.Join(writer.AddFS(os.DirFS(root)), writer.Close(), archive.Close()); err != nil {
		t.Fatal(err)
	}
	return root, root + ".zip"
}

func TestFoldersAndZipFilesHoldTheSame(t *testing.T) {
	webp := []byte("RIFF\x10\x00\x00\x00WEBPVP8L")
	folder, archive := folderOf(t, map[string][]byte{"a.b/1.png": picture(t), "a/2.jpg": {0xff, 0xd8, 0xff, 0xe0},
		"a/deep/3.webp": webp, "4.png": picture(t), ".hidden/5.png": picture(t), "Thumbs.db": []byte("litter")})
	for _, source := range []string{folder, archive} {
		var found []string
		for image, err := range Paths(source) {
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, strings.TrimPrefix(image.GetName(), source+"/")+" "+image.GetLabel()+" "+image.GetImage().GetFormat().String())
		}
		expected := []string{"4.png  IMAGE_FORMAT_PNG", "a/2.jpg a IMAGE_FORMAT_JPEG",
			"a/deep/3.webp deep IMAGE_FORMAT_UNSPECIFIED", "a.b/1.png a.b IMAGE_FORMAT_PNG"}
		if !slices.Equal(expected, found) {
			t.Errorf("%s holds %q", source, found)
		}
	}
}

func TestOtherFilesAreRefusedOrLeftOut(t *testing.T) {
	folder, archive := folderOf(t, map[string][]byte{"a/1.png": picture(t), "a/notes.txt": []byte("no image"),
		"a/photo.heic": []byte("\x00\x00\x00\x18ftypheic")})
	outside := filepath.Join(t.TempDir(), "outside.png")
	if err := errors.Join(os.WriteFile(outside, picture(t), 0o644), os.Symlink(outside, filepath.Join(folder, "way-out.png"))); err != nil {
		t.Fatal(err)
	}
	for source, others := range map[string]int{folder: 3, archive: 2} {
		for _, err := range Paths(source) {
			if err == nil || !strings.Contains(err.Error(), "a/notes.txt (no PNG, JPEG or WebP image)") {
				t.Errorf("the first of %s is to be an error: %v", source, err)
			}
			break
		}
		images, told := 0, 0
		for _, err := range SkipUnreadable(func(*UnreadableError) { told++ }, Paths(source)) {
			if err != nil {
				t.Fatal(err)
			}
			images++
		}
		if images != 1 || told != others {
			t.Errorf("%s: %d images and %d others", source, images, told)
		}
	}
}

func TestErrorsNameFilesAndPlaces(t *testing.T) {
	sent := places{}
	images := func(yield func(*lethev1.LabelledImage, error) bool) {
		_ = yield(&lethev1.LabelledImage{}, nil) && yield(&lethev1.LabelledImage{Name: "7/me.png"}, nil)
	}
	for range sent.noted(messages(UnlearnRequest{Images: images})) {
	}
	for message, field := range map[string]string{"7/me.png: has 30 x 30 pixels": "unlearn images[1].image",
		"7/me.png, label: is empty": "unlearn images[1].label", "no": ""} {
		if e := sent.placed(&Error{Code: codes.InvalidArgument, Message: message}); e.Field != field {
			t.Errorf("%s: %q", message, e.Field)
		}
	}
}

func TestPipesAreNotWaitedFor(t *testing.T) {
	folder := t.TempDir()
	pipe := filepath.Join(folder, "b.png")
	if err := exec.Command("mkfifo", pipe).Run(); err != nil {
		t.Skip("there is no mkfifo: ", err)
	}
	for _, source := range []string{pipe, folder} {
		for _, err := range Paths(source) {
			if err == nil || !strings.Contains(err.Error(), "no regular file") || !strings.Contains(err.Error(), "b.png") {
				t.Error(source, err)
			}
			break
		}
	}
}

func TestImagesAboveTheServersLimitAreNamed(t *testing.T) {
	images := func(yield func(*lethev1.LabelledImage, error) bool) {
		for _, one := range []struct {
			name string
			size int
		}{{"a.png", 10}, {"b.png", 3 << 20}, {"c.png", 2 << 20}} {
			if !yield(labelled(make([]byte, one.size), PNG, "", one.name), nil) {
				return
			}
		}
	}
	sent := places{}
	for _, err := range allOf(sent.noted(messages(UnlearnRequest{Images: images}))) {
		if err != nil {
			t.Fatal(err)
		}
	}
	refused := sent.placed(&Error{Code: codes.ResourceExhausted, Message: "a message of Submit exceeds the limit of 2500000 bytes"})
	if refused.Field != "unlearn images[1].image" || !strings.HasPrefix(refused.Message, "b.png: a message") {
		t.Error(refused.Field, refused.Message)
	}
}

func allOf(messages func(func(*lethev1.SubmitRequest, error) bool)) (errs []error) {
	for _, err := range messages {
		errs = append(errs, err)
	}
	return errs
}
