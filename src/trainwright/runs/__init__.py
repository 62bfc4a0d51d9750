"""A run on disk: its folder, the append-only log of what happened, and what it ran on.

Comes in:   records (frozen dataclasses), texts and bytes to be kept
Goes out:   RunFolder with the path of every file, records read back, columns of numbers, the environment
May import: errors
Read next:  records.py, folder.py, events.py
Example:    history = History.of(read_all_records(open_run("runs/digits").events))
"""

from __future__ import annotations

from .atomic import WriteFailed as WriteFailed
from .atomic import replacing as replacing
from .atomic import sweep_temporary as sweep_temporary
from .atomic import write_atomic as write_atomic
from .atomic import write_failure as write_failure
from .environment import environment as environment
from .environment import environment_differences as environment_differences
from .environment import source_fingerprint as source_fingerprint
from .events import EventWriter as EventWriter
from .events import read_all_records as read_all_records
from .events import read_records as read_records
from .folder import DEFAULT_OUT as DEFAULT_OUT
from .folder import RunFolder as RunFolder
from .folder import create_run as create_run
from .folder import default_name as default_name
from .folder import is_run as is_run
from .folder import open_run as open_run
from .folder import refuse_bad_name as refuse_bad_name
from .folder import refuse_bad_out as refuse_bad_out
from .folder import refuse_existing as refuse_existing
from .folder import refuse_watched as refuse_watched
from .folder import runs_at_hand as runs_at_hand
from .following import LogFollower as LogFollower
from .history import Columns as Columns
from .history import History as History
from .history import without_lost_work as without_lost_work
from .intervals import wilson_interval as wilson_interval
from .launch import Launch as Launch
from .launch import launched as launched
from .launch import refuse_ranks as refuse_ranks
from .locking import WriterLock as WriterLock
from .metrics import write_metrics_csv as write_metrics_csv
from .records import AnswersRecord as AnswersRecord
from .records import ClassScore as ClassScore
from .records import EpochRecord as EpochRecord
from .records import Evaluation as Evaluation
from .records import EvaluationRecord as EvaluationRecord
from .records import ExperimentKind as ExperimentKind
from .records import ExperimentRecord as ExperimentRecord
from .records import Finding as Finding
from .records import GuardRecord as GuardRecord
from .records import Mistake as Mistake
from .records import ProbeRecord as ProbeRecord
from .records import Record as Record
from .records import ResumeRecord as ResumeRecord
from .records import RetrainRecord as RetrainRecord
from .records import Severity as Severity
from .records import StepRecord as StepRecord
from .records import StopRecord as StopRecord
from .records import TrialEnding as TrialEnding
from .records import TrialRecord as TrialRecord
from .records import UnitsRecord as UnitsRecord
from .records import Unseen as Unseen
from .records import Watched as Watched
from .records import WatchRecord as WatchRecord
from .search_folder import DEFAULT_SEARCHES as DEFAULT_SEARCHES
from .search_folder import SearchFolder as SearchFolder
from .search_folder import open_search as open_search
from .serializing import from_plain as from_plain
from .serializing import to_json as to_json
from .serializing import to_plain as to_plain
from .task_records import ColumnScore as ColumnScore
from .task_records import FigureNames as FigureNames
from .task_records import LabelMistake as LabelMistake
from .task_records import LabelScore as LabelScore
from .task_records import MultiLabelRecord as MultiLabelRecord
from .task_records import NumberMistake as NumberMistake
from .task_records import PairMistake as PairMistake
from .task_records import PartName as PartName
from .task_records import RankingRecord as RankingRecord
from .task_records import RegressionRecord as RegressionRecord
from .task_records import figure_names as figure_names
from .task_records import figures_of_columns as figures_of_columns
from .watch_records import SKETCH_HIGH as SKETCH_HIGH
from .watch_records import SKETCH_LOW as SKETCH_LOW
from .watch_records import WatchedLayer as WatchedLayer
from .watch_records import WatchedTensor as WatchedTensor
