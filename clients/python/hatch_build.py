"""Makes the stubs, src/lethe_client/v1, from the one proto/ folder: at every build, and by `python hatch_build.py`."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent
# A source distribution holds a copy.
PROTO = next(folder for folder in (ROOT / "proto", ROOT / "../../proto/src/main/proto") if folder.is_dir())
FILES = ["common", "generation", "inspection", "model", "unlearning"]


def generate() -> None:
    import grpc_tools
    from grpc_tools import protoc

    package = ROOT / "src/lethe_client"
    out = package / "v1"
    out.mkdir(exist_ok=True)
    for stale in out.glob("*_pb2*"):
        stale.unlink()
    # protoc lays files out by their names, lethe/v1/...; a folder `lethe` would be another project's package.
    work = package / "lethe"
    arguments = ["protoc", f"-I{PROTO}", f"-I{Path(grpc_tools.__file__).parent / '_proto'}", f"--python_out={package}",
                 f"--pyi_out={package}", f"--grpc_python_out={package}"]
    if protoc.main(arguments + [f"lethe/v1/{name}.proto" for name in FILES]) != 0:
        sys.exit("protoc failed")
    for made in (work / "v1").iterdir():
        text = made.read_text(encoding="utf-8")
        (out / made.name).write_text(re.sub(r"^from lethe\.v1 import", "from lethe_client.v1 import", text, flags=re.M),
                                     encoding="utf-8")
        made.unlink()
    (work / "v1").rmdir()
    work.rmdir()
    (out / "__init__.py").write_text('"""Generated from lethe/v1/*.proto."""\n', encoding="utf-8")


if __name__ == "__main__":
    generate()
else:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

    class Stubs(BuildHookInterface):
        def initialize(self, version, build_data):
            generate()
