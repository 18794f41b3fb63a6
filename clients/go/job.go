package lethe

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"lethe.dev/lethe/lethev1"
)

// Job is one at one moment, and what can be done with it. Its methods give new ones and leave it as it is.
type Job struct {
	// Job is the message as it came: GetId, GetState, GetProgress, GetMessage, GetNewVersion, GetPromoted and more.
	*lethev1.Job
	client *Client
}

// Ended is true once it has succeeded, failed or been cancelled.
func (j *Job) Ended() bool {
	switch j.GetState() {
	case lethev1.JobState_JOB_STATE_SUCCEEDED, lethev1.JobState_JOB_STATE_FAILED, lethev1.JobState_JOB_STATE_CANCELLED:
		return true
	}
	return false
}

// Watch yields the job as it is now, then after every change, until it has ended. A connection that breaks on the way is
// made again. An error is the last that it yields.
func (j *Job) Watch(ctx context.Context) iter.Seq2[*Job, error] {
	return j.client.Watch(ctx, j.GetId())
}

// Wait returns the job once it has ended, whatever its state then is.
func (j *Job) Wait(ctx context.Context) (*Job, error) {
	last := j
	for now, err := range j.Watch(ctx) {
		if err != nil {
			return nil, err
		}
		last = now
	}
	return last, nil
}

// Refresh asks how it is now.
func (j *Job) Refresh(ctx context.Context) (*Job, error) { return j.client.Job(ctx, j.GetId()) }

// Cancel ends it; ErrFailedPrecondition if it has ended already.
func (j *Job) Cancel(ctx context.Context) (*Job, error) { return j.client.Cancel(ctx, j.GetId()) }

// Approve promotes its candidate, where it awaits approval.
func (j *Job) Approve(ctx context.Context, reason string) (*Job, error) {
	return j.client.Approve(ctx, j.GetId(), reason)
}

// Reject leaves its candidate one, where it awaits approval.
func (j *Job) Reject(ctx context.Context, reason string) (*Job, error) {
	return j.client.Reject(ctx, j.GetId(), reason)
}

// Retry queues it once more, if it failed or was cancelled and its images are kept.
func (j *Job) Retry(ctx context.Context) (*Job, error) { return j.client.Retry(ctx, j.GetId()) }

// Delete deletes what the server knows of it, once it has ended.
func (j *Job) Delete(ctx context.Context) error { return j.client.Delete(ctx, j.GetId()) }

// Certificate is what proves its erasure; ErrFailedPrecondition until its candidate is promoted.
func (j *Job) Certificate(ctx context.Context) (*lethev1.GetErasureCertificateResponse, error) {
	return j.client.Certificate(ctx, j.GetId())
}

// Report is what it measured; ErrFailedPrecondition until it has.
func (j *Job) Report(ctx context.Context) (*Report, error) { return j.client.Report(ctx, j.GetId()) }

// Watch is Job.Watch by the job's id.
func (c *Client) Watch(ctx context.Context, id string) iter.Seq2[*Job, error] {
	return func(yield func(*Job, error) bool) {
		if err := textual(&lethev1.WatchRequest{JobId: id}); err != nil {
			yield(nil, err)
			return
		}
		patience := patience{retry: c.retry}
		var last *Job
		for {
			left := false
			failure := receive(ctx, c, func(ctx context.Context, options ...grpc.CallOption) (grpc.ServerStreamingClient[lethev1.JobEvent], error) {
				return c.unlearning.Watch(ctx, &lethev1.WatchRequest{JobId: id}, options...)
			}, func(event *lethev1.JobEvent) bool {
				patience.renew()
				// A new connection tells first what the last one told.
				if last != nil && proto.Equal(last.Job, event.GetJob()) {
					return true
				}
				last = &Job{event.GetJob(), c}
				left = !yield(last, nil)
				return !left
			})
			if left || failure == nil && last != nil && last.Ended() {
				return
			}
			if failure == nil {
				failure = &Error{Code: codes.Unavailable, Message: "the server stopped reporting before the job ended",
					RetryAfter: -1}
			}
			if !patience.again(ctx, failure) {
				if ctx.Err() != nil {
					failure = toError(ctx.Err(), trailers{})
				}
				yield(nil, failure)
				return
			}
		}
	}
}

// Report is what an ended job measured, and its pictures.
type Report struct {
	// Figures by the names of report.json, each explained in the protocol.
	Figures *lethev1.UnlearnReport
	// BeforeAfterPNG: the unlearned images, what the original draws for them, and what the new version draws.
	BeforeAfterPNG []byte
}

// Picture of before and after.
func (r *Report) Picture() (image.Image, error) { return png.Decode(bytes.NewReader(r.BeforeAfterPNG)) }
