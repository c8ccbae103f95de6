"""Build the hot loops as extension modules, where there is a compiler.

What each compiles to is in the `.pxd` beside its `.py`. All are optional: without
Cython or a compiler the same sources run interpreted (`pytest-netlab --version` says
which). CC and CFLAGS are honoured.
"""

from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

try:
    from Cython.Build import cythonize
except ImportError:
    cythonize = None

SOURCE = "plugin/pytest_netlab"
# octets, hashing and memory have no extension: their .pxd is inlined into the others.
INLINED = {"octets", "hashing", "memory"}
DIRECTIVES = {
    "annotation_typing": False,  # Python's annotations are for readers; .pxd for C
    "cdivision": True,
    "infer_types": True,
    "initializedcheck": False,
}


def stale() -> bool:
    """Tell whether a .pxd is newer than the C made with it.

    Cython itself looks no further than the .py.
    """
    made = [path.stat().st_mtime for path in Path("build/cython").rglob("*.c")]
    declared = [path.stat().st_mtime for path in Path(SOURCE).rglob("*.pxd")]
    return not made or max(declared) > min(made)


def extensions() -> list[Extension]:
    """Return one optional extension for each module that has a .pxd."""
    found = [
        Extension(
            ".".join(path.relative_to("plugin").with_suffix("").parts),
            [str(path.with_suffix(".py"))],
            extra_compile_args=["-O3", "-fno-strict-aliasing", "-Wno-sign-compare"],
            optional=True,
        )
        for path in sorted(Path(SOURCE).rglob("*.pxd"))
        if path.stem not in INLINED
    ]
    if cythonize is None:
        return []
    return cythonize(
        found,
        build_dir="build/cython",
        force=stale(),
        compiler_directives=DIRECTIVES,
        include_path=["plugin"],
        language_level=3,
    )


class ParallelBuild(build_ext):
    """Compile one module per processor at a time."""

    def finalize_options(self) -> None:
        """Ask for as many jobs as there are processors."""
        super().finalize_options()
        self.parallel = self.parallel or True


setup(ext_modules=extensions(), cmdclass={"build_ext": ParallelBuild})
