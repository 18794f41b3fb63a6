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
	"regexp"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"lethe.dev/lethe/lethev1"
)

const (
	// The server reads no larger ones.
	maxFileBytes = 31 << 20
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
// it comes from its reader; one that is no image is ErrInvalidArgument, with its place as field, and an *UnreadableError.
func (c *Client) Unlearn(ctx context.Context, request UnlearnRequest) (*Job, error) {
	for attempts := 1; ; attempts++ {
		sent := places{}
		job, said, err := c.submit(ctx, sent.noted(messages(request)))
		if err == nil {
			return &Job{job, c}, nil
		}
		var unreadable *uploadError
		if errors.As(err, &unreadable) {
			return nil, unreadable.reason
		}
		failure := sent.placed(c.toError(err, said))
		if !c.retry.again(ctx, failure, attempts, false) {
			return nil, failure
		}
	}
}

// places are those of the images that were sent.
type places struct {
	// By the names of their files.
	names map[string]string
	// Of images that went alone, since they are large.
	large []large
}

type large struct {
	bytes       int
	place, name string
}

// aboveLimit is what the server says of a message that it does not read, since it is too large.
var aboveLimit = regexp.MustCompile(`a message of \w+ exceeds the limit of (\d+) bytes`)

// placed is the same error. The server calls images by their files' names, if they have any; a field is their place.
func (p *places) placed(e *Error) *Error {
	for part, end := range map[string]string{"image": ": ", "label": ", label: "} {
		name, _, _ := strings.Cut(e.Message, end)
		if place, ok := p.names[name]; ok {
			e.Field = place + "." + part
		}
	}
	if said := aboveLimit.FindStringSubmatch(e.Message); said != nil {
		limit, err := strconv.Atoi(said[1])
		for _, sent := range p.large {
			if err == nil && sent.bytes > limit {
				e.Field = sent.place + ".image"
				e.Message = cmp.Or(sent.name, e.Field) + ": " + e.Message
				break
			}
		}
	}
	return e
}

// noted remembers the images of messages as they are sent.
func (p *places) noted(messages iter.Seq2[*lethev1.SubmitRequest, error]) iter.Seq2[*lethev1.SubmitRequest, error] {
	return func(yield func(*lethev1.SubmitRequest, error) bool) {
		p.names = map[string]string{}
		count := map[lethev1.ImageRole]int{}
		for message, err := range messages {
			role := message.GetImages().GetRole()
			images := message.GetImages().GetImages()
			for _, image := range images {
				place := fmt.Sprintf("%s images[%d]", called(role), count[role])
				if _, known := p.names[image.GetName()]; !known && image.GetName() != "" {
					p.names[image.GetName()] = place
				}
				if size := proto.Size(message); len(images) == 1 && size > messageBytes {
					p.large = append(p.large, large{size, place, image.GetName()})
				}
				count[role]++
			}
			if !yield(message, err) {
				return
			}
		}
	}
}

// uploadError is not the server's.
type uploadError struct{ reason error }

func (e *uploadError) Error() string { return e.reason.Error() }

// sendAll sends messages until the last, or until the call is over, whose status then says why.
func sendAll(stream interface {
	Send(*lethev1.SubmitRequest) error
}, messages iter.Seq2[*lethev1.SubmitRequest, error]) error {
	for message, err := range messages {
		if err != nil {
			return &uploadError{err}
		}
		if err := stream.Send(message); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) submit(ctx context.Context, messages iter.Seq2[*lethev1.SubmitRequest, error]) (*lethev1.Job, trailers, error) {
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
	if err := sendAll(stream, messages); err != nil {
		return nil, said, err
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
		if err := notText("spec.", spec.ProtoReflect()); err != nil {
			yield(nil, err)
			return
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
	at := 0
	for image, err := range images {
		place := fmt.Sprintf("%s images[%d].", called(role), at)
		if err != nil {
			yield(nil, ofImage(place, err))
			return false
		}
		if err := notText(place, image.ProtoReflect()); err != nil {
			yield(nil, err)
			return false
		}
		at++
		bytes := proto.Size(image)
		if size+bytes > messageBytes && !send() {
			return false
		}
		batch.Images = append(batch.Images, image)
		size += bytes
	}
	return send()
}

func called(role lethev1.ImageRole) string {
	if role == lethev1.ImageRole_IMAGE_ROLE_LEARN {
		return "learn"
	}
	return "unlearn"
}

// ofImage gives an error of what a file or a folder holds its place in the request; others stay as their reader made them.
func ofImage(place string, err error) error {
	var unreadable *UnreadableError
	if errors.As(err, &unreadable) {
		return &Error{Code: codes.InvalidArgument, Message: err.Error(), Field: place + "image", RetryAfter: -1, cause: err}
	}
	var known *Error
	if errors.As(err, &known) && known.Field == "" {
		placed := *known
		placed.Field = place + "image"
		return &placed
	}
	return err
}

// Labelled gives every image this label, instead of the name of its folder.
func Labelled(label string, images Uploads) Uploads {
	return func(yield func(*lethev1.LabelledImage, error) bool) {
		for image, err := range images {
			if err == nil {
				image = &lethev1.LabelledImage{Image: image.GetImage(), Label: label, Name: image.GetName()}
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
			if !yield(labelled(file.Bytes(), PNG, label, ""), nil) {
				return
			}
		}
	}
}

// Paths of PNG, JPEG and WebP files, which are known by their contents, of folders and of zip files of them. In a folder or
// a zip file, the name of the sub-folder that an image lies in is its label; other files in there are an error before the
// first image, unless SkipUnreadable is told of them.
func Paths(paths ...string) Uploads {
	return func(yield func(*lethev1.LabelledImage, error) bool) {
		for _, path := range paths {
			for image, err := range fromPath(path) {
				if !yield(image, err) {
					return
				}
			}
		}
	}
}

// UnreadableError is a file that is no image, or too large.
type UnreadableError struct{ File, Reason string }

func (e *UnreadableError) Error() string { return e.File + " is " + e.Reason }

// SkipUnreadable goes on without the files of Paths and FS that are no images, and tells of each.
func SkipUnreadable(told func(*UnreadableError), images Uploads) Uploads {
	return func(yield func(*lethev1.LabelledImage, error) bool) {
		for image, err := range images {
			var unreadable *UnreadableError
			if errors.As(err, &unreadable) {
				told(unreadable)
				continue
			}
			if !yield(image, err) {
				return
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
			// Links are not followed out of the folder: one may lead to any file of the machine.
			root, err := os.OpenRoot(name)
			if err != nil {
				yield(nil, err)
				return
			}
			defer root.Close()
			folder(name, root.FS())(yield)
		case strings.EqualFold(filepath.Ext(name), ".zip"):
			archive, err := zip.OpenReader(name)
			if err != nil {
				yield(nil, fmt.Errorf("%s: %w", name, err))
				return
			}
			defer archive.Close()
			folder(name, archive)(yield)
		default:
			parent, file := filepath.Split(name)
			files := os.DirFS(cmp.Or(parent, "."))
			if err := unreadable(files, file); err != nil {
				err.File = name
				yield(nil, err)
				return
			}
			yield(fromFile(files, file, name, ""))
		}
	}
}

// FS is the folder of a file system, such as an embedded one; labels are as for Paths.
func FS(files fs.FS) Uploads { return folder("", files) }

func folder(name string, files fs.FS) Uploads {
	return func(yield func(*lethev1.LabelledImage, error) bool) {
		var found []string
		err := fs.WalkDir(files, ".", func(file string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && file != "." && isHidden(entry.Name()):
				return fs.SkipDir
			case !entry.IsDir() && !isHidden(entry.Name()):
				found = append(found, file)
			}
			return nil
		})
		if err != nil {
			yield(nil, err)
			return
		}
		// As paths are ordered, not as texts: a/z.png goes before a.b/a.png.
		slices.SortFunc(found, func(a, b string) int { return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/")) })
		// All are looked at before the first is read: what is refused is refused at once.
		var images []string
		for _, file := range found {
			if err := unreadable(files, file); err != nil {
				err.File, err.Reason = cmp.Or(name, "the file system"), "a folder with a file that is not taken: "+file+" ("+err.Reason+")"
				if !yield(nil, err) {
					return
				}
				continue
			}
			images = append(images, file)
		}
		if len(images) == 0 {
			yield(nil, &Error{Code: codes.InvalidArgument, RetryAfter: -1,
				Message: cmp.Or(name, "the file system") + " holds no PNG, JPEG or WebP file"})
			return
		}
		for _, file := range images {
			label := path.Base(path.Dir(file))
			if label == "." {
				label = ""
			}
			image, err := fromFile(files, file, path.Join(name, file), label)
			if !yield(image, err) || err != nil {
				return
			}
		}
	}
}

func fromFile(files fs.FS, file, name, label string) (*lethev1.LabelledImage, error) {
	data, err := fs.ReadFile(files, file)
	if err != nil {
		return nil, err
	}
	return labelled(data, formatOf(data), label, name), nil
}

func labelled(data []byte, format Format, label, name string) *lethev1.LabelledImage {
	// Names of files may be any bytes, and are for errors alone.
	return &lethev1.LabelledImage{Image: &lethev1.Image{Format: format, Data: data}, Label: label,
		Name: strings.ToValidUTF8(name, "\ufffd")}
}

// isHidden is what file managers leave behind.
func isHidden(name string) bool {
	switch strings.ToLower(name) {
	case "thumbs.db", "desktop.ini", "__macosx":
		return true
	}
	return strings.HasPrefix(name, ".")
}

// unreadable is nil for a file that the server may take, going by its first bytes.
func unreadable(files fs.FS, file string) *UnreadableError {
	wrong := func(reason string) *UnreadableError { return &UnreadableError{File: file, Reason: reason} }
	// Before it is opened: that of a pipe waits for whoever writes to it.
	if about, err := fs.Stat(files, file); err == nil && !about.Mode().IsRegular() && !about.IsDir() {
		return wrong("no regular file, but a pipe, a socket or a device")
	}
	opened, err := files.Open(file)
	if err != nil {
		return wrong("not to be read: " + err.Error())
	}
	defer opened.Close()
	about, err := opened.Stat()
	switch {
	case err != nil:
		return wrong("not to be read: " + err.Error())
	case !about.Mode().IsRegular():
		return wrong("no file")
	case about.Size() > maxFileBytes:
		return wrong(fmt.Sprintf("larger than %d MiB", maxFileBytes>>20))
	case about.Size() == 0:
		return wrong("empty")
	}
	start := make([]byte, 12)
	read, err := io.ReadFull(opened, start)
	if err != nil && err != io.ErrUnexpectedEOF {
		return wrong("not to be read: " + err.Error())
	}
	start = start[:read]
	at := func(from int, text string) bool {
		return len(start) >= from && bytes.HasPrefix(start[from:], []byte(text))
	}
	switch {
	case formatOf(start) != 0 || at(0, "RIFF") && at(8, "WEBP"):
		return nil
	case at(0, "GIF8"):
		return wrong("a GIF image; save it as PNG, JPEG or WebP")
	case at(4, "ftyphe") || at(4, "ftypmif"):
		return wrong("a HEIC image, which is not read here; save it as JPEG")
	case at(4, "ftyp"):
		return wrong("an AVIF image or a video; save it as JPEG or PNG")
	}
	return wrong("no PNG, JPEG or WebP image")
}

// formatOf is what the protocol calls it; WebP has no name there, and is known by its contents.
func formatOf(data []byte) Format {
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return PNG
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return JPEG
	}
	return 0
}
