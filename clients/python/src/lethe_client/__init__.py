"""Client of Lethe, a server for StyleGAN2 generators that can unlearn.

    client = lethe_client.Client("localhost:8080")
    images = client.generate(seeds=range(8), label="7")
    job = client.unlearn("forget/")
    for now in job.watch():
        print(now.state, now.progress.stage)

`lethe_client.aio.Client` is the same for asyncio; `lethe_client.v1` has the protocol's own messages.
"""

import os

# gRPC notes each connection that fails on standard error; the errors raised here say so. It reads this when it is imported.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

from . import aio
from .client import Client, Job
from .errors import (Cancelled, DeadlineExceeded, FailedPrecondition, InvalidArgument, LetheError, NotFound,
                     PermissionDenied, ResourceExhausted, Unauthenticated, Unavailable)
from .images import GeneratedImage, Images
from .jobs import JobSnapshot, Report
from .proofs import Certificate, Projection
from .requests import Activation, Version
from .retry import Retry
from .specs import Spec

__version__ = "0.1.0"

__all__ = ["Activation", "Cancelled", "Certificate", "Client", "DeadlineExceeded", "FailedPrecondition", "GeneratedImage", "Images",
           "InvalidArgument", "Job", "JobSnapshot", "LetheError", "NotFound", "PermissionDenied", "Projection", "Report",
           "ResourceExhausted", "Retry", "Spec", "Unauthenticated", "Unavailable", "Version", "aio"]
