// Command driver is the client as the conformance suite drives it: one JSON object a line in, one a line out.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"lethe.dev/lethe"
	"lethe.dev/lethe/lethev1"
)

type connection struct {
	Address     string `json:"address"`
	Token       string `json:"token"`
	CA          string `json:"ca"`
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
	Timeout     any    `json:"timeout"` // A number, or none.
	Attempts    int    `json:"attempts"`
}

type arguments struct {
	Seeds       []uint32       `json:"seeds"`
	Z           [][]float32    `json:"z"`
	W           [][]float32    `json:"w"`
	Label       *string        `json:"label"`
	Psi         *float32       `json:"psi"`
	Count       int            `json:"count"`
	Format      string         `json:"format"`
	Model       string         `json:"model"`
	Version     string         `json:"version"`
	Timeout     float64        `json:"timeout"`
	CancelAfter float64        `json:"cancel_after"`
	Take        int            `json:"take"`
	Images      string         `json:"images"`
	Learn       string         `json:"learn"`
	Spec        map[string]any `json:"spec"`
	Job         string         `json:"job"`
	Reason      string         `json:"reason"`
	Image       string         `json:"image"`
	Space       string         `json:"space"`
	Fit         string         `json:"fit"`
	Steps       *int32         `json:"steps"`
	NoiseMode   string         `json:"noise_mode"`
	IncludeW    bool           `json:"include_w"`
	Calls       int            `json:"calls"`
}

type order struct {
	Call       string     `json:"call"`
	Connection connection `json:"connection"`
	With       arguments  `json:"with"`
}

type object = map[string]any

var (
	clients = map[connection]*lethe.Client{}
	formats = map[string]lethe.Format{"png": lethe.PNG, "jpeg": lethe.JPEG, "raw": lethe.Raw}
	noises  = map[string]lethe.NoiseMode{"const": lethe.NoiseConst, "none": lethe.NoiseNone, "random": lethe.NoiseRandom}
)

func clientOf(c connection) (*lethe.Client, error) {
	if client, ok := clients[c]; ok {
		return client, nil
	}
	var options []lethe.Option
	if c.Token != "" {
		options = append(options, lethe.WithToken(c.Token))
	}
	if c.CA != "" {
		options = append(options, lethe.WithCA(c.CA))
	}
	if c.Certificate != "" {
		options = append(options, lethe.WithCertificate(c.Certificate, c.Key))
	}
	if timeout, ok := c.Timeout.(float64); ok {
		options = append(options, lethe.WithTimeout(seconds(timeout)))
	}
	options = append(options, lethe.WithRetry(lethe.Retry{Attempts: c.Attempts}))
	client, err := lethe.NewClient(c.Address, options...)
	if err == nil {
		clients[c] = client
	}
	return client, err
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (a arguments) request() lethe.GenerateRequest {
	request := lethe.GenerateRequest{Model: a.Model, Version: a.Version, Seeds: a.Seeds, Z: a.Z, W: a.W, Psi: a.Psi,
		Count: a.Count, Format: formats[a.Format], NoiseMode: noises[a.NoiseMode], IncludeW: a.IncludeW}
	if a.Label != nil {
		request.Label = *a.Label
	}
	return request
}

// spec is written as the other clients' users write it.
func (a arguments) spec() (*lethev1.UnlearnSpec, error) {
	prefixes := map[string]string{"kind": "UNLEARN_KIND_", "mode": "UNLEARN_MODE_", "substitute": "SUBSTITUTE_KIND_",
		"bad_images": "BAD_IMAGES_"}
	fields, gates := object{}, object{}
	for name, value := range a.Spec {
		prefix, isChoice := prefixes[name]
		switch {
		case isChoice:
			fields[name] = prefix + strings.ToUpper(strings.ReplaceAll(value.(string), "-", "_"))
		case value == "auto":
			fields["auto_fake_label"] = true
		case strings.HasPrefix(name, "min_") || name == "max_fid_l_increase":
			gates[name] = value
		default:
			fields[name] = value
		}
	}
	if len(gates) > 0 {
		fields["gates"] = gates
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	spec := &lethev1.UnlearnSpec{}
	return spec, protojson.Unmarshal(text, spec)
}

func (a arguments) unlearn() (lethe.UnlearnRequest, error) {
	spec, err := a.spec()
	request := lethe.UnlearnRequest{Spec: spec}
	if a.Images != "" {
		request.Images = lethe.Paths(a.Images)
	}
	if a.Label != nil {
		request.Images = lethe.Labelled(*a.Label, request.Images)
	}
	if a.Learn != "" {
		request.Learn = lethe.Paths(a.Learn)
	}
	return request, err
}

func (a arguments) project() lethe.ProjectRequest {
	options := &lethev1.ProjectRequest{Steps: a.Steps}
	if a.Space == "w-plus" {
		options.Space = lethev1.ProjectionSpace_PROJECTION_SPACE_W_PLUS
	}
	if a.Fit == "resize" {
		options.Fit = lethev1.ImageFit_IMAGE_FIT_RESIZE
	}
	return lethe.ProjectRequest{Image: lethe.Labelled(*a.Label, lethe.Paths(a.Image)), Options: options}
}

func imageOf(i lethe.Image) (object, error) {
	described := object{"index": i.GetIndex(), "version": i.GetVersion(), "seed": i.Seed, "label": i.Label,
		"data": base64.StdEncoding.EncodeToString(i.Bytes()), "w": i.GetW().GetValues()}
	for name, format := range formats {
		if format == i.GetImage().GetFormat() {
			described["format"] = name
		}
	}
	if described["format"] == "raw" {
		values, shape, err := i.Floats()
		sum := 0.0
		for _, value := range values {
			sum += float64(value)
		}
		described["shape"], described["mean"] = shape, sum/float64(len(values))
		return described, err
	}
	picture, err := i.Decode()
	if err != nil {
		return nil, err
	}
	if grey, ok := picture.(*image.Gray); ok {
		sum := 0.0
		for _, value := range grey.Pix {
			sum += float64(value)
		}
		described["shape"], described["mean"] = []int{grey.Rect.Dy(), grey.Rect.Dx()}, sum/float64(len(grey.Pix))
	}
	return described, nil
}

func imagesOf(images []lethe.Image) ([]object, error) {
	described := make([]object, len(images))
	for at, one := range images {
		var err error
		if described[at], err = imageOf(one); err != nil {
			return nil, err
		}
	}
	return described, nil
}

func messageOf(message proto.Message) json.RawMessage {
	text, err := protojson.Marshal(message)
	if err != nil {
		panic(err)
	}
	return text
}

func jobOf(job *lethe.Job, err error) (object, error) {
	if err != nil {
		return nil, err
	}
	return object{"job": messageOf(job.Job)}, nil
}

func run(ctx context.Context, c *lethe.Client, o order) (object, error) {
	with := o.With
	if with.Timeout > 0 {
		limited, cancel := context.WithTimeout(ctx, seconds(with.Timeout))
		defer cancel()
		ctx = limited
	}
	if with.CancelAfter > 0 {
		stopped, cancel := context.WithCancel(ctx)
		time.AfterFunc(seconds(with.CancelAfter), cancel)
		ctx = stopped
	}
	switch o.Call {
	case "generate":
		answer, err := c.Generate(ctx, with.request())
		if err != nil {
			return nil, err
		}
		images, err := imagesOf(answer.Images)
		return object{"model": answer.Model, "version": answer.Version, "images": images}, err
	case "generate_stream":
		var taken []lethe.Image
		for image, err := range c.GenerateStream(ctx, with.request()) {
			if err != nil {
				return nil, err
			}
			taken = append(taken, image)
			if len(taken) == with.Take {
				break
			}
		}
		images, err := imagesOf(taken)
		return object{"images": images}, err
	case "models":
		models, err := c.Models(ctx)
		return object{"models": models}, err
	case "versions":
		versions, err := c.Versions(ctx, with.Model)
		described := make([]object, len(versions))
		for i, v := range versions {
			described[i] = object{"model": v.GetModel(), "version": v.GetVersion(), "parent": nil,
				"state":            strings.ToLower(strings.TrimPrefix(v.GetState().String(), "VERSION_STATE_")),
				"unlearned_labels": append([]string{}, v.GetUnlearnedLabels()...)}
			if v.GetParentVersion() != "" {
				described[i]["parent"] = v.GetParentVersion()
			}
		}
		return object{"versions": described}, err
	case "active_version":
		version, err := c.ActiveVersion(ctx, with.Model)
		return object{"version": version}, err
	case "card":
		card, err := c.Card(ctx, with.Model, with.Version)
		if err != nil {
			return nil, err
		}
		return object{"card": card}, nil
	case "activate":
		swap, err := c.Activate(ctx, with.Model, with.Version)
		return object{"model": swap.GetModel(), "version": swap.GetVersion(), "previous": swap.GetPreviousVersion()}, err
	case "unlearn":
		request, err := with.unlearn()
		if err != nil {
			return nil, err
		}
		return jobOf(c.Unlearn(ctx, request))
	case "inspect":
		request, err := with.unlearn()
		if err != nil {
			return nil, err
		}
		progressed := false
		found, err := c.Inspect(ctx, request, func(*lethev1.Progress) { progressed = true })
		if err != nil {
			return nil, err
		}
		return object{"inspection": messageOf(found), "progressed": progressed}, nil
	case "project":
		progressed := false
		found, err := c.Project(ctx, with.project(), func(*lethev1.Progress) { progressed = true })
		if err != nil {
			return nil, err
		}
		return object{"version": found.GetVersion(), "error": found.GetError(), "w": found.GetW().GetValues(),
			"picture": found.GetImagePng(), "progressed": progressed}, nil
	case "approve":
		return jobOf(c.Approve(ctx, with.Job, with.Reason))
	case "reject":
		return jobOf(c.Reject(ctx, with.Job, with.Reason))
	case "retry":
		return jobOf(c.Retry(ctx, with.Job))
	case "delete":
		return object{}, c.Delete(ctx, with.Job)
	case "retire":
		version, err := c.Retire(ctx, with.Model, with.Version, with.Reason)
		return object{"version": version.GetState().String()}, err
	case "purge":
		files, err := c.Purge(ctx, with.Model, with.Version)
		return object{"files": files}, err
	case "certificate":
		proof, err := c.Certificate(ctx, with.Job)
		return object{"version": proof.GetVersion()}, err
	case "job":
		return jobOf(c.Job(ctx, with.Job))
	case "jobs":
		jobs, err := c.Jobs(ctx)
		described := make([]json.RawMessage, len(jobs))
		for i, job := range jobs {
			described[i] = messageOf(job.Job)
		}
		return object{"jobs": described}, err
	case "cancel":
		return jobOf(c.Cancel(ctx, with.Job))
	case "report":
		report, err := c.Report(ctx, with.Job)
		if err != nil {
			return nil, err
		}
		return object{"figures": messageOf(report.Figures), "picture": report.BeforeAfterPNG}, nil
	case "watch":
		var moments []json.RawMessage
		for moment, err := range c.Watch(ctx, with.Job) {
			if err != nil {
				return nil, err
			}
			moments = append(moments, messageOf(moment.Job))
		}
		return object{"moments": moments}, nil
	case "overhead":
		return overhead(ctx, c, o.Connection.Address, with.Calls)
	}
	return nil, fmt.Errorf("there is no call %s", o.Call)
}

// overhead gives medians of the client's call and the bare stub's, in random order, each on a connection of its own.
func overhead(ctx context.Context, c *lethe.Client, address string, calls int) (object, error) {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	stub, label := lethev1.NewGenerationServiceClient(connection), "7"
	bare := &lethev1.GenerateRequest{Label: label,
		Latents: &lethev1.GenerateRequest_Seeds{Seeds: &lethev1.Seeds{Values: []uint32{1}}}}
	names := []string{"client", "bare"}
	times := map[string][]time.Duration{}
	for range calls {
		rand.Shuffle(2, func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, name := range names {
			begin := time.Now()
			if name == "client" {
				_, err = c.Generate(ctx, lethe.GenerateRequest{Seeds: []uint32{1}, Label: label})
			} else {
				_, err = stub.Generate(ctx, bare)
			}
			if err != nil {
				return nil, err
			}
			times[name] = append(times[name], time.Since(begin))
		}
	}
	medians := object{}
	for name, taken := range times {
		taken = taken[10:]
		slices.Sort(taken)
		medians[name] = taken[len(taken)/2].Seconds() * 1000
	}
	return medians, nil
}

// codeName is gRPC's own, which package codes does not print.
func codeName(code codes.Code) string {
	if code == codes.Canceled {
		return "CANCELLED"
	}
	var name strings.Builder
	for i, letter := range code.String() {
		if i > 0 && letter >= 'A' && letter <= 'Z' {
			name.WriteByte('_')
		}
		name.WriteRune(letter)
	}
	return strings.ToUpper(name.String())
}

func answer(line []byte) object {
	var o order
	if err := json.Unmarshal(line, &o); err != nil {
		return object{"error": object{"code": "LOCAL", "message": err.Error()}}
	}
	client, err := clientOf(o.Connection)
	var result object
	if err == nil {
		result, err = run(context.Background(), client, o)
	}
	var failure *lethe.Error
	switch {
	case err == nil:
		return object{"ok": result}
	case errors.As(err, &failure):
		described := object{"code": codeName(failure.Code), "message": failure.Message, "field": failure.Field,
			"request_id": failure.RequestID}
		if failure.RetryAfter >= 0 {
			described["retry_after"] = failure.RetryAfter.Seconds()
		}
		return object{"error": described}
	default:
		return object{"error": object{"code": "LOCAL", "message": err.Error()}}
	}
}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			break
		}
		if err := out.Encode(answer(line)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	for _, client := range clients {
		client.Close()
	}
}
