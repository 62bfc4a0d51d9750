"""Options that several commands share, spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    str | None,
    typer.Argument(
        metavar="[DATA]",
        help="digits, fashion-mnist, or a path: class folders, train/val/test folders, a CSV, TSV or Parquet "
        "manifest, .npz, IDX or CIFAR files.",
        show_default="digits",
    ),
]
Model = Annotated[str | None, typer.Option(help="small-resnet, plain, or any timm model.", show_default="auto")]
Weights = Annotated[
    str | None, typer.Option(metavar="WEIGHTS", help="none, pretrained, or a file of weights.", show_default="none")
]
Epochs = Annotated[str | None, typer.Option(metavar="N", help="Passes over the data.", show_default="auto")]
BatchSize = Annotated[
    str | None, typer.Option("--batch-size", "-b", metavar="N", help="Pictures a batch.", show_default="auto")
]
Lr = Annotated[
    str | None,
    typer.Option(
        metavar="RATE", help="Peak learning rate; auto: found by a range test on the data.", show_default="by rule"
    ),
]
WeightDecay = Annotated[
    str | None,
    typer.Option("--weight-decay", metavar="DECAY", help="Decay of filters and matrices.", show_default="auto"),
]
Opt = Annotated[
    str | None,
    typer.Option(help="sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw, timm:NAME.", show_default="sgd"),
]
Sched = Annotated[
    str | None,
    typer.Option(help="one-cycle, cosine, step, plateau, … (`recipe --explain`).", show_default="one-cycle"),
]
Init = Annotated[str | None, typer.Option(help="kaiming, xavier, lsuv, … (`recipe --explain`).", show_default="auto")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any recipe setting, as section.key=value; may be repeated."),
]
RecipeFile = Annotated[Path | None, typer.Option("--recipe", metavar="FILE", help="Recipe file to start from.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value on stdout; all else goes to stderr.")]
Device = Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1, mps or auto.", show_default="auto")]
Tta = Annotated[
    str,
    typer.Option(
        "--tta", metavar="VIEWS", help="Average over views of each picture: none, flip, five, ten (crops) or scales."
    ),
]
Fuse = Annotated[
    bool, typer.Option("--fuse", help="Fold batch normalization into convolutions: equal answers but for rounding.")
]
Seed = Annotated[
    str | None, typer.Option("--seed", metavar="N", help="All randomness is a function of it.", show_default="0")
]
ImgSize = Annotated[
    str | None, typer.Option("--img-size", metavar="PIXELS", help="Side of the square pictures.", show_default="auto")
]
Workers = Annotated[
    str | None,
    typer.Option(
        "--workers", "-j", metavar="N", help="Threads that decode; those of search are processes.", show_default="auto"
    ),
]
