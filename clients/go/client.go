package lethe

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"os"
	"regexp"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"lethe.dev/lethe/lethev1"
)

// Client is a Lethe server. Goroutines may share one, and one serves a whole application.
type Client struct {
	connection *grpc.ClientConn
	generation lethev1.GenerationServiceClient
	models     lethev1.ModelServiceClient
	unlearning lethev1.UnlearningServiceClient
	inspection lethev1.InspectionServiceClient
	settings   *settings
	secure     bool
	retry      Retry
}

// NewClient is for a server at HOST:PORT; HOST, with port 8080; http://HOST[:PORT], without TLS (port 80);
// https://HOST[:PORT], with TLS (port 443); or a name of gRPC's own, such as dns:///HOST:PORT. Empty: that of the
// environment's LETHE_SERVER, or localhost:8080. It does not wait for a connection. An error is a wrong address or option,
// or a file that cannot be used.
func NewClient(address string, options ...Option) (*Client, error) {
	s := fromEnvironment()
	for _, option := range options {
		option(s)
	}
	if s.timeout != nil && *s.timeout <= 0 {
		return nil, invalid("timeout", "is %v; it must be longer than 0; without one there is no limit", *s.timeout)
	}
	where, saysTLS, err := target(cmp.Or(address, os.Getenv("LETHE_SERVER"), "localhost"))
	if err != nil {
		return nil, err
	}
	dial, err := s.dialOptions(saysTLS)
	if err != nil {
		return nil, err
	}
	connection, err := grpc.NewClient(where, dial...)
	if err != nil {
		return nil, err
	}
	return &Client{
		connection: connection,
		generation: lethev1.NewGenerationServiceClient(connection),
		models:     lethev1.NewModelServiceClient(connection),
		unlearning: lethev1.NewUnlearningServiceClient(connection),
		inspection: lethev1.NewInspectionServiceClient(connection),
		settings:   s,
		secure:     s.wantsTLS() || saysTLS != nil && *saysTLS,
		retry:      s.retry.withDefaults(),
	}, nil
}

// Close ends calls in progress and closes the connection.
func (c *Client) Close() error { return c.connection.Close() }

// Generate draws images, all in one answer.
func (c *Client) Generate(ctx context.Context, request GenerateRequest) (*Images, error) {
	message, err := request.message()
	if err != nil {
		return nil, err
	}
	answer, err := call(ctx, c, c.generation.Generate, message, true)
	if err != nil {
		return nil, err
	}
	return &Images{Model: answer.GetModel(), Version: answer.GetVersion(), Images: images(answer.GetImages())}, nil
}

// GenerateStream draws images one by one, in order, no faster than they are taken; leaving the loop cancels the rest. An
// error is the last that it yields.
func (c *Client) GenerateStream(ctx context.Context, request GenerateRequest) iter.Seq2[Image, error] {
	return func(yield func(Image, error) bool) {
		message, err := request.message()
		if err == nil {
			err = textual(message)
		}
		if err != nil {
			yield(Image{}, err)
			return
		}
		for attempts := 1; ; attempts++ {
			begun, stopped := false, false
			failure := receive(ctx, c, func(ctx context.Context, options ...grpc.CallOption) (grpc.ServerStreamingClient[lethev1.GeneratedImage], error) {
				return c.generation.GenerateStream(ctx, message, options...)
			}, func(image *lethev1.GeneratedImage) bool {
				begun = true
				stopped = !yield(Image{image}, nil)
				return !stopped
			})
			if failure == nil || stopped {
				return
			}
			// What came would come twice.
			if begun || !c.retry.again(ctx, failure, attempts, true) {
				yield(Image{}, failure)
				return
			}
		}
	}
}

// Models are the names of those that the server knows.
func (c *Client) Models(ctx context.Context) ([]string, error) {
	answer, err := call(ctx, c, c.models.ListModels, &lethev1.ListModelsRequest{}, true)
	return answer.GetModels(), err
}

// Versions of a model.
func (c *Client) Versions(ctx context.Context, model string) ([]*lethev1.ModelVersion, error) {
	answer, err := call(ctx, c, c.models.ListVersions, &lethev1.ListVersionsRequest{Model: model}, true)
	return answer.GetVersions(), err
}

// ActiveVersion is the one that takes new requests.
func (c *Client) ActiveVersion(ctx context.Context, model string) (string, error) {
	answer, err := call(ctx, c, c.models.GetActiveVersion, &lethev1.GetActiveVersionRequest{Model: model}, true)
	return answer.GetVersion(), err
}

// Card is the model card, model.json, verbatim. An empty version is the active one.
func (c *Client) Card(ctx context.Context, model, version string) (json.RawMessage, error) {
	answer, err := call(ctx, c, c.models.GetCard, &lethev1.GetCardRequest{Model: model, Version: version}, true)
	return json.RawMessage(answer.GetCardJson()), err
}

// Activate hot-swaps a model to a version on the server's disk: promotes a candidate, or rolls back.
func (c *Client) Activate(ctx context.Context, model, version string) (*lethev1.ActivateResponse, error) {
	return call(ctx, c, c.models.Activate, &lethev1.ActivateRequest{Model: model, Version: version}, false)
}

// ActivateRetired activates a retired version all the same; the reason is recorded.
func (c *Client) ActivateRetired(ctx context.Context, model, version, reason string) (*lethev1.ActivateResponse, error) {
	return call(ctx, c, c.models.Activate,
		&lethev1.ActivateRequest{Model: model, Version: version, OverrideReason: reason}, false)
}

// Retire refuses a version to all clients from now on. The reason, which must not be empty, is recorded.
func (c *Client) Retire(ctx context.Context, model, version, reason string) (*lethev1.ModelVersion, error) {
	answer, err := call(ctx, c, c.models.Retire,
		&lethev1.RetireRequest{Model: model, Version: version, Reason: reason}, false)
	return answer.GetVersion(), err
}

// Purge deletes the files of a retired version, and returns their names.
func (c *Client) Purge(ctx context.Context, model, version string) ([]string, error) {
	answer, err := call(ctx, c, c.models.Purge, &lethev1.PurgeRequest{Model: model, Version: version}, false)
	return answer.GetDeletedFiles(), err
}

// Certificate is what proves the erasure that a job has made; ErrFailedPrecondition if it was not promoted.
func (c *Client) Certificate(ctx context.Context, jobID string) (*lethev1.GetErasureCertificateResponse, error) {
	return call(ctx, c, c.models.GetErasureCertificate, &lethev1.GetErasureCertificateRequest{JobId: jobID}, true)
}

// CertificateOfVersion is what proves the erasure that a version came from. An empty model is the server's only one, an
// empty version the active one.
func (c *Client) CertificateOfVersion(ctx context.Context, model, version string) (*lethev1.GetErasureCertificateResponse, error) {
	return call(ctx, c, c.models.GetErasureCertificate,
		&lethev1.GetErasureCertificateRequest{Model: model, Version: version}, true)
}

// Job by its id.
func (c *Client) Job(ctx context.Context, id string) (*Job, error) {
	return c.job(call(ctx, c, c.unlearning.GetJob, &lethev1.GetJobRequest{JobId: id}, true))
}

// Jobs that the server knows, newest first.
func (c *Client) Jobs(ctx context.Context) ([]*Job, error) {
	var jobs []*Job
	for page := ""; ; {
		answer, err := call(ctx, c, c.unlearning.ListJobs, &lethev1.ListJobsRequest{PageToken: page}, true)
		if err != nil {
			return nil, err
		}
		for _, job := range answer.GetJobs() {
			jobs = append(jobs, &Job{job, c})
		}
		if page = answer.GetNextPageToken(); page == "" {
			return jobs, nil
		}
	}
}

// Cancel ends a queued or running job; ErrFailedPrecondition if it has ended already.
func (c *Client) Cancel(ctx context.Context, id string) (*Job, error) {
	return c.job(call(ctx, c, c.unlearning.CancelJob, &lethev1.CancelJobRequest{JobId: id}, false))
}

// Approve promotes the candidate of a job that awaits approval. The reason is recorded, and may be empty.
func (c *Client) Approve(ctx context.Context, id, reason string) (*Job, error) {
	return c.job(call(ctx, c, c.unlearning.ApproveJob, &lethev1.ApproveJobRequest{JobId: id, Reason: reason}, false))
}

// Reject leaves the candidate of a job that awaits approval a candidate. The reason is recorded, and may be empty.
func (c *Client) Reject(ctx context.Context, id, reason string) (*Job, error) {
	return c.job(call(ctx, c, c.unlearning.RejectJob, &lethev1.RejectJobRequest{JobId: id, Reason: reason}, false))
}

// Retry queues a job that failed or was cancelled once more, if its images are kept.
func (c *Client) Retry(ctx context.Context, id string) (*Job, error) {
	return c.job(call(ctx, c, c.unlearning.RetryJob, &lethev1.RetryJobRequest{JobId: id}, false))
}

// Delete deletes what the server knows of a job that has ended, and its files.
func (c *Client) Delete(ctx context.Context, id string) error {
	_, err := call(ctx, c, c.unlearning.DeleteJob, &lethev1.DeleteJobRequest{JobId: id}, false)
	return err
}

// Report is what an ended job measured, and its pictures.
func (c *Client) Report(ctx context.Context, id string) (*Report, error) {
	answer, err := call(ctx, c, c.unlearning.GetReport, &lethev1.GetReportRequest{JobId: id}, true)
	if err != nil {
		return nil, err
	}
	return &Report{Figures: answer.GetReport(), BeforeAfterPNG: answer.GetBeforeAfterPng()}, nil
}

func (c *Client) job(message *lethev1.Job, err error) (*Job, error) {
	if err != nil {
		return nil, err
	}
	return &Job{message, c}, nil
}

var tokenForm = regexp.MustCompile(`^[\x21-\x7e]+$`)

// authorized gives the context of one attempt.
func (c *Client) authorized(ctx context.Context) (context.Context, error) {
	if c.settings.token == nil {
		return ctx, nil
	}
	token, err := c.settings.token(ctx)
	if err != nil {
		return nil, err
	}
	if !tokenForm.MatchString(token) {
		// Not the token itself: messages end up in logs.
		return nil, invalid("token", "holds blanks, or characters beyond ASCII")
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token), nil
}

// call makes a call with one answer, as often as it takes.
func call[Q proto.Message, A any](ctx context.Context, c *Client, rpc func(context.Context, Q, ...grpc.CallOption) (A, error), request Q,
	repeatable bool) (A, error) {
	var none A
	if err := textual(request); err != nil {
		return none, err
	}
	if c.settings.timeout != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *c.settings.timeout)
		defer cancel()
	}
	for attempts := 1; ; attempts++ {
		authorized, err := c.authorized(ctx)
		if err != nil {
			return none, err
		}
		var said trailers
		answer, err := rpc(authorized, request, grpc.Header(&said.header), grpc.Trailer(&said.trailer))
		if err == nil {
			return answer, nil
		}
		failure := c.toError(err, said)
		if !c.retry.again(ctx, failure, attempts, repeatable) {
			return none, failure
		}
	}
}

// receive hands the messages of a stream on until one is not wanted any more; nil if it came to its end, or was left.
func receive[A any](ctx context.Context, c *Client,
	open func(context.Context, ...grpc.CallOption) (grpc.ServerStreamingClient[A], error), take func(*A) bool) *Error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	authorized, err := c.authorized(ctx)
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	if err != nil {
		return &Error{Code: codes.Unauthenticated, Message: "no token: " + err.Error(), RetryAfter: -1}
	}
	var said trailers
	stream, err := open(authorized, grpc.Header(&said.header), grpc.Trailer(&said.trailer))
	if err != nil {
		return c.toError(err, said)
	}
	for {
		message, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return c.toError(err, said)
		}
		if !take(message) {
			return nil
		}
	}
}
