package lethe

import (
	"math"

	"lethe.dev/lethe/lethev1"
)

// Format of images.
type Format = lethev1.ImageFormat

// What can be asked for. Raw images are the network's floats.
const (
	PNG  Format = lethev1.ImageFormat_IMAGE_FORMAT_PNG
	JPEG Format = lethev1.ImageFormat_IMAGE_FORMAT_JPEG
	Raw  Format = lethev1.ImageFormat_IMAGE_FORMAT_RAW
)

// NoiseMode is what synthesis adds after each convolution.
type NoiseMode = lethev1.NoiseMode

// NoiseConst, the default, is the model's own, so that a latent's image is always the same; NoiseRandom is drawn afresh for
// each image.
const (
	NoiseConst  NoiseMode = lethev1.NoiseMode_NOISE_MODE_CONST
	NoiseNone   NoiseMode = lethev1.NoiseMode_NOISE_MODE_NONE
	NoiseRandom NoiseMode = lethev1.NoiseMode_NOISE_MODE_RANDOM
)

// GenerateRequest says what to draw; the zero value is one image of a seed that the server draws.
type GenerateRequest struct {
	// Model is empty for the server's only one, Version for the active one.
	Model, Version string
	// One of these three at most; an empty one that is not nil is refused. Seeds give the latents of
	// numpy.random.RandomState(seed).randn(1, z_dim).
	Seeds []uint32
	// Z has z_dim values for each image.
	Z [][]float32
	// W has w_dim values for each image, or num_ws * w_dim; Label and Psi do not apply.
	W [][]float32
	// Label is the class, by name or index; empty: the classes in turn.
	Label string
	// Psi is the truncation, 0 to 2; nil: 1.
	Psi *float32
	// Count of images from one seed on; 0: one for each latent.
	Count int
	// Format is PNG unless set.
	Format Format
	// NoiseMode is NoiseConst unless set.
	NoiseMode NoiseMode
	// IncludeW asks for the w of each image: Image.GetW.
	IncludeW bool
}

// SeedRange is first, first + 1, ... up to but without end. A range that holds none is refused.
func SeedRange(first, end uint32) []uint32 {
	// Nil would stand for a seed that the server draws.
	seeds := []uint32{}
	for seed := first; seed < end; seed++ {
		seeds = append(seeds, seed)
	}
	return seeds
}

// Psi is for GenerateRequest.
func Psi(value float32) *float32 { return &value }

func (r GenerateRequest) message() (*lethev1.GenerateRequest, error) {
	message := &lethev1.GenerateRequest{Model: r.Model, Version: r.Version, Label: r.Label, Psi: r.Psi, Format: r.Format,
		NoiseMode: r.NoiseMode, IncludeW: r.IncludeW}
	sources := 0
	if r.Seeds != nil {
		sources++
		message.Latents = &lethev1.GenerateRequest_Seeds{Seeds: &lethev1.Seeds{Values: r.Seeds}}
	}
	if r.Z != nil {
		sources++
		message.Latents = &lethev1.GenerateRequest_Z{Z: vectors(r.Z)}
	}
	if r.W != nil {
		sources++
		message.Latents = &lethev1.GenerateRequest_W{W: vectors(r.W)}
	}
	if sources > 1 {
		return nil, invalid("seeds", "give one of Seeds, Z and W")
	}
	if r.Count != 0 {
		if r.Count < math.MinInt32 || r.Count > math.MaxInt32 {
			return nil, invalid("count", "is %d; it must be from %d to %d", r.Count, math.MinInt32, math.MaxInt32)
		}
		count := int32(r.Count)
		message.Count = &count
	}
	return message, nil
}

func vectors(rows [][]float32) *lethev1.Vectors {
	message := &lethev1.Vectors{Values: make([]*lethev1.Vector, len(rows))}
	for i, row := range rows {
		message.Values[i] = &lethev1.Vector{Values: row}
	}
	return message
}

// Images of one answer, all made by one version.
type Images struct {
	Model, Version string
	Images         []Image
}

func images(messages []*lethev1.GeneratedImage) []Image {
	images := make([]Image, len(messages))
	for i, message := range messages {
		images[i] = Image{message}
	}
	return images
}
