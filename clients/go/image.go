package lethe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // Decode
	_ "image/png"
	"math"

	"lethe.dev/lethe/lethev1"
)

// Image is what the server drew. Its bytes are decoded when they are asked for.
type Image struct {
	// GeneratedImage is the message as it came: GetIndex, GetVersion and, where it has them, GetSeed, GetLabel and GetW.
	*lethev1.GeneratedImage
}

// Bytes are a PNG or JPEG file, or of Raw images little-endian floats.
func (i Image) Bytes() []byte { return i.GetImage().GetData() }

// Decode gives the picture, grey or in colour.
func (i Image) Decode() (image.Image, error) {
	if i.GetImage().GetFormat() != Raw {
		picture, _, err := image.Decode(bytes.NewReader(i.Bytes()))
		return picture, err
	}
	values, shape, err := i.Floats()
	if err != nil {
		return nil, err
	}
	channels, height, width := shape[0], shape[1], shape[2]
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	plane := height * width
	for at := range plane {
		var rgb [3]uint8
		for c := range rgb {
			value := (float64(values[min(c, channels-1)*plane+at]) + 1) * 127.5
			rgb[c] = uint8(math.Round(min(255, max(0, value))))
		}
		picture.SetNRGBA(at%width, at/width, color.NRGBA{R: rgb[0], G: rgb[1], B: rgb[2], A: 255})
	}
	return picture, nil
}

// Floats are a Raw image's values, about -1 to 1, in row-major order, and their shape [C, H, W].
func (i Image) Floats() ([]float32, []int, error) {
	message := i.GetImage()
	if message.GetFormat() != Raw || len(message.GetShape()) != 3 {
		return nil, nil, fmt.Errorf("lethe: the image is %v; ask for Raw ones", message.GetFormat())
	}
	shape, size := make([]int, 3), 1
	for at, axis := range message.GetShape() {
		shape[at] = int(axis)
		size *= int(axis)
	}
	if size*4 != len(message.GetData()) {
		return nil, nil, fmt.Errorf("lethe: %d bytes are no floats of shape %v", len(message.GetData()), shape)
	}
	values := make([]float32, size)
	for at := range values {
		values[at] = math.Float32frombits(binary.LittleEndian.Uint32(message.GetData()[at*4:]))
	}
	return values, shape, nil
}
