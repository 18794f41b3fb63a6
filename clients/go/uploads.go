package lethe

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"lethe.dev/lethe/lethev1"
)

const (
	// Larger than any picture of 1024 x 1024 pixels; a file above it is a mistake.
	maxFileBytes = 32 << 20
	// Well below the server's limit of one message; an image larger than this goes alone.
	messageBytes = 1 << 20
)

// Uploads are images with their labels, read as they are sent. An error ends them.
type Uploads = iter.Seq2[*lethev1.LabelledImage, error]

// UnlearnRequest says what to forget and how.
type UnlearnRequest struct {
	// Images to forget; none are needed for classes of a conditional model.
	Images Uploads
	// Learn are images of what the model must keep; may be nil.
	Learn Uploads
	// Spec is all else; nil: the defaults.
	Spec *lethev1.UnlearnSpec
}

// Unlearn uploads images and queues a job that makes the model forget them. An image that cannot be read is an error as
// it comes from its reader.
func (c *Client) Unlearn(ctx context.Context, request UnlearnRequest) (*Job, error) {
	for attempts := 1; ; attempts++ {
		job, said, err := c.submit(ctx, request)
		if err == nil {
			return &Job{job, c}, nil
		}
		var unreadable *uploadError
		if errors.As(err, &unreadable) {
			return nil, unreadable.reason
		}
		failure := toError(err, said)
		if !c.retry.again(ctx, failure, attempts, false) {
			return nil, failure
		}
	}
}

// uploadError is not the server's.
type uploadError struct{ reason error }

func (e *uploadError) Error() string { return e.reason.Error() }

func (c *Client) submit(ctx context.Context, request UnlearnRequest) (*lethev1.Job, trailers, error) {
	var said trailers
	// Left before the end, the upload is given up.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	authorized, err := c.authorized(ctx)
	if err != nil {
		return nil, said, &uploadError{err}
	}
	stream, err := c.unlearning.Submit(authorized, grpc.Header(&said.header), grpc.Trailer(&said.trailer))
	if err != nil {
		return nil, said, err
	}
	for message, err := range messages(request) {
		if err != nil {
			return nil, said, &uploadError{err}
		}
		// io.EOF: the call is over, and its status says why.
		if err := stream.Send(message); err == io.EOF {
			break
		} else if err != nil {
			return nil, said, err
		}
	}
	job, err := stream.CloseAndRecv()
	if err == io.EOF {
		err = &Error{Code: codes.Internal, Message: "the server closed the upload without an answer", RetryAfter: -1}
	}
	return job, said, err
}

// messages are the specification, then the images in order, several in a message.
func messages(request UnlearnRequest) iter.Seq2[*lethev1.SubmitRequest, error] {
	return func(yield func(*lethev1.SubmitRequest, error) bool) {
		spec := request.Spec
		if spec == nil {
			spec = &lethev1.UnlearnSpec{}
		}
		if !yield(&lethev1.SubmitRequest{Part: &lethev1.SubmitRequest_Spec{Spec: spec}}, nil) {
			return
		}
		if batches(lethev1.ImageRole_IMAGE_ROLE_UNLEARN, request.Images, yield) {
			batches(lethev1.ImageRole_IMAGE_ROLE_LEARN, request.Learn, yield)
		}
	}
}

func batches(role lethev1.ImageRole, images Uploads, yield func(*lethev1.SubmitRequest, error) bool) bool {
	if images == nil {
		return true
	}
	batch, size := &lethev1.UploadedImages{Role: role}, 0
	send := func() bool {
		full := batch
		batch, size = &lethev1.UploadedImages{Role: role}, 0
		return len(full.Images) == 0 ||
			yield(&lethev1.SubmitRequest{Part: &lethev1.SubmitRequest_Images{Images: full}}, nil)
	}
	for image, err := range images {
		if err != nil {
			yield(nil, err)
			return false
		}
		bytes := proto.Size(image)
		if size+bytes > messageBytes && !send() {
			return false
		}
		batch.Images = append(batch.Images, image)
		size += bytes
	}
	return send()
}

// Labelled gives every image this label, instead of the name of its folder.
func Labelled(label string, images Uploads) Uploads {
	return func(yield func(*lethev1.LabelledImage, error) bool) {
		for image, err := range images {
			if err == nil {
				image = &lethev1.LabelledImage{Image: image.GetImage(), Label: label}
			}
			if !yield(image, err) {
				return
			}
		}
	}
}

// Pictures are sent as PNG files, with one label.
func Pictures(label string, pictures ...image.Image) Uploads {
	return func(yield func(*lethev1.LabelledImage, error) bool) {
		for _, picture := range pictures {
			var file bytes.Buffer
			if err := png.Encode(&file, picture); err != nil {
				yield(nil, err)
				return
			}
			if !yield(labelled(file.Bytes(), PNG, label), nil) {
				return
			}
		}
	}
}

// Paths of PNG and JPEG files, of folders and of zip files of them. In a folder or a zip file, the name of the sub-folder
// that an image lies in is its label.
func Paths(paths ...string) Uploads {
	return func(yield func(*lethev1.LabelledImage, error) bool) {
		for _, path := range paths {
			for image, err := range fromPath(path) {
				if !yield(image, err) || err != nil {
					return
				}
			}
		}
	}
}

func fromPath(name string) Uploads {
	return func(yield func(*lethev1.LabelledImage, error) bool) {
		about, err := os.Stat(name)
		switch {
		case err != nil:
			yield(nil, err)
		case about.IsDir():
			folder(name, os.DirFS(name))(yield)
		case strings.EqualFold(filepath.Ext(name), ".zip"):
			archive, err := zip.OpenReader(name)
			if err != nil {
				yield(nil, fmt.Errorf("%s: %w", name, err))
				return
			}
			defer archive.Close()
			folder(name, archive)(yield)
		case formatOf(name) == 0:
			yield(nil, fmt.Errorf("%s is not named .png, .jpg, .jpeg or .zip", name))
		default:
			parent, file := filepath.Split(name)
			yield(fromFile(os.DirFS(cmp.Or(parent, ".")), name, file, ""))
		}
	}
}

// FS is the folder of a file system, such as an embedded one; labels are as for Paths.
func FS(files fs.FS) Uploads { return folder("the file system", files) }

func folder(name string, files fs.FS) Uploads {
	return func(yield func(*lethev1.LabelledImage, error) bool) {
		var found []string
		err := fs.WalkDir(files, ".", func(file string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && file != "." && isHidden(entry.Name()):
				return fs.SkipDir
			case !entry.IsDir() && !isHidden(entry.Name()) && formatOf(file) != 0:
				found = append(found, file)
			}
			return nil
		})
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("%s holds no .png, .jpg or .jpeg file", name)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		// As paths are ordered, not as texts: a/z.png goes before a.b/a.png.
		slices.SortFunc(found, func(a, b string) int { return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/")) })
		for _, file := range found {
			label := path.Base(path.Dir(file))
			if label == "." {
				label = ""
			}
			image, err := fromFile(files, path.Join(name, file), file, label)
			if !yield(image, err) || err != nil {
				return
			}
		}
	}
}

func fromFile(files fs.FS, name, file, label string) (*lethev1.LabelledImage, error) {
	about, err := fs.Stat(files, file)
	if err != nil {
		return nil, err
	}
	if about.Size() > maxFileBytes {
		return nil, fmt.Errorf("%s is larger than %d MiB", name, maxFileBytes>>20)
	}
	data, err := fs.ReadFile(files, file)
	if err != nil {
		return nil, err
	}
	return labelled(data, formatOf(file), label), nil
}

func labelled(data []byte, format Format, label string) *lethev1.LabelledImage {
	return &lethev1.LabelledImage{Image: &lethev1.Image{Format: format, Data: data}, Label: label}
}

// isHidden is what file managers leave behind.
func isHidden(name string) bool { return strings.HasPrefix(name, ".") || name == "__MACOSX" }

func formatOf(name string) Format {
	switch strings.ToLower(path.Ext(name)) {
	case ".png":
		return PNG
	case ".jpg", ".jpeg":
		return JPEG
	}
	return 0
}
