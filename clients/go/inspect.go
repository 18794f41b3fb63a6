package lethe

import (
	"context"
	"errors"
	"io"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"lethe.dev/lethe/lethev1"
)

// OnProgress is told how far a call is, on the goroutine that made it; it may be nil.
type OnProgress = func(*lethev1.Progress)

// Inspect is a dry run: what Unlearn would find of the same request. It changes nothing.
func (c *Client) Inspect(ctx context.Context, request UnlearnRequest, progress OnProgress) (*lethev1.Inspection, error) {
	// Learning images are not looked at.
	request.Learn = nil
	for attempts := 1; ; attempts++ {
		sent := places{}
		found, said, err := c.inspect(ctx, sent.noted(messages(request)), progress)
		if err == nil {
			return found, nil
		}
		var unreadable *uploadError
		if errors.As(err, &unreadable) {
			return nil, unreadable.reason
		}
		failure := sent.placed(c.toError(err, said))
		if !c.retry.again(ctx, failure, attempts, true) {
			return nil, failure
		}
	}
}

func (c *Client) inspect(ctx context.Context, messages iter.Seq2[*lethev1.SubmitRequest, error], progress OnProgress) (
	*lethev1.Inspection, trailers, error) {
	var said trailers
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	authorized, err := c.authorized(ctx)
	if err != nil {
		return nil, said, &uploadError{err}
	}
	stream, err := c.inspection.Inspect(authorized, grpc.Header(&said.header), grpc.Trailer(&said.trailer))
	if err != nil {
		return nil, said, err
	}
	if err := sendAll(stream, messages); err != nil {
		return nil, said, err
	}
	if err := stream.CloseSend(); err != nil {
		return nil, said, err
	}
	var found *lethev1.Inspection
	for {
		event, err := stream.Recv()
		switch {
		case err == io.EOF && found == nil:
			return nil, said, unanswered()
		case err == io.EOF:
			return found, said, nil
		case err != nil:
			return nil, said, err
		}
		if now := event.GetProgress(); now != nil && progress != nil {
			progress(now)
		}
		found = event.GetInspection()
	}
}

// ProjectRequest says what to look for. Model, Version, Space, Steps, Seed, Fit and Background are the protocol's own.
type ProjectRequest struct {
	// Image holds one, as of Paths or Pictures; Labelled gives it its class, of a conditional model.
	Image Uploads
	// Options is all else; nil: the defaults.
	Options *lethev1.ProjectRequest
}

// Project looks for the latents at which a model draws what is nearest to an image.
func (c *Client) Project(ctx context.Context, request ProjectRequest, progress OnProgress) (*lethev1.Projection, error) {
	message := &lethev1.ProjectRequest{}
	if request.Options != nil {
		message = proto.Clone(request.Options).(*lethev1.ProjectRequest)
	}
	if request.Image != nil {
		for image, err := range request.Image {
			if err != nil {
				return nil, ofImage("", err)
			}
			if message.Image != nil {
				return nil, invalid("image", "there is more than one; give one")
			}
			message.Image = image
		}
	}
	if err := textual(message); err != nil {
		return nil, err
	}
	for attempts := 1; ; attempts++ {
		var found *lethev1.Projection
		failure := receive(ctx, c, func(ctx context.Context, options ...grpc.CallOption) (grpc.ServerStreamingClient[lethev1.ProjectEvent], error) {
			return c.inspection.Project(ctx, message, options...)
		}, func(event *lethev1.ProjectEvent) bool {
			if now := event.GetProgress(); now != nil && progress != nil {
				progress(now)
			}
			found = event.GetProjection()
			return true
		})
		if failure == nil && found != nil {
			return found, nil
		}
		if failure == nil {
			return nil, unanswered()
		}
		if !c.retry.again(ctx, failure, attempts, true) {
			return nil, failure
		}
	}
}

func unanswered() *Error {
	return &Error{Code: codes.Internal, Message: "the server ended the call without an answer", RetryAfter: -1}
}
