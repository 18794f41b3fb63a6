"""Takes images out of a model and tells what came of it: unlearn.py FORGET [KEEP], folders or zip files by class."""

import sys

import lethe_client


def main(forget: str, keep: str | None = None) -> int:
    with lethe_client.Client() as client:
        job = client.unlearn(forget, learn=keep or ())
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
    sys.exit(main(*sys.argv[1:3]))
