"""Takes images out of a model and tells what came of it."""

import argparse
import sys

import lethe_client


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("forget", help="folder or zip file of folders named by class")
    parser.add_argument("--learn", default=(), help="the same of what the model must keep")
    parser.add_argument("--iterations", type=int)
    options = parser.parse_args()
    with lethe_client.Client() as client:
        job = client.unlearn(options.forget, learn=options.learn, iterations=options.iterations)
        print(f"job {job.id}")
        stage = ""
        for now in job.watch():
            if now.progress.stage != stage:
                stage = now.progress.stage
                print(f"{now.state}: {stage}, {now.progress.fraction:.0%} of the job done")
        if job.state != "succeeded":
            print(f"{job.state}: {job.message}", file=sys.stderr)
            return 1
        print(f"{job.new_version} " + ("serves" if job.promoted else f"is a candidate: {job.message}"))
        report = job.report()
        report.pil().save("unlearned.png")
        print(f"AUC_lu {report.figures.auc_lu.before:.2f} -> {report.figures.auc_lu.after:.2f}; unlearned.png")
        return 0


if __name__ == "__main__":
    sys.exit(main())
