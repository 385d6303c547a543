"""Compile the hot path; everything else about the project is in pyproject.toml."""

from Cython.Build import cythonize
from setuptools import Extension, setup

# Cython's pure Python mode: each of these is an ordinary module with a .pxd of C types beside it.
COMPILED = (
    "collectors.clock",
    "collectors.framing",
    "monitor.wire.decode",
    "monitor.wire.flows",
    "monitor.wire.scan",
)

setup(
    ext_modules=cythonize(
        [Extension(name, [name.replace(".", "/") + ".py"], extra_compile_args=["-O3"]) for name in COMPILED],
        compiler_directives={
            "language_level": 3,
            "boundscheck": True,
            "wraparound": False,
            "cdivision": False,
            "initializedcheck": False,
        },
    ),
)
