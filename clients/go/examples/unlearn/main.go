// Command unlearn takes images out of a model and tells what came of it: unlearn FORGET [KEEP], folders or zip files by
// class.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	"lethe.dev/lethe"
	"lethe.dev/lethe/lethev1"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: unlearn FORGET [KEEP]")
	}
	// The job goes on if this program ends.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1], os.Args[2:]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, forget string, keep []string) error {
	client, err := lethe.NewClient("")
	if err != nil {
		return err
	}
	defer client.Close()
	job, err := client.Unlearn(ctx, lethe.UnlearnRequest{Images: lethe.Paths(forget), Learn: lethe.Paths(keep...)})
	if err != nil {
		return err
	}
	fmt.Println("job", job.GetId())
	stage := ""
	for now, err := range job.Watch(ctx) {
		if err != nil {
			return err
		}
		if at := now.GetProgress(); at.GetStage() != stage {
			stage = at.GetStage()
			fmt.Printf("%s: %.0f%% of the job done\n", stage, 100*at.GetFraction())
		}
		job = now
	}
	if job.GetState() != lethev1.JobState_JOB_STATE_SUCCEEDED {
		return fmt.Errorf("%v: %s", job.GetState(), job.GetMessage())
	}
	report, err := job.Report(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%s: promoted %v; AUC_lu %.2f -> %.2f\n", job.GetNewVersion(), job.GetPromoted(),
		report.Figures.GetAucLu().GetBefore(), report.Figures.GetAucLu().GetAfter())
	return os.WriteFile("unlearned.png", report.BeforeAfterPNG, 0o644)
}
