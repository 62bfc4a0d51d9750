import pytest

from trainwright.errors import InputError
from trainwright.recipe import Recipe, ScheduleSection, TrainingSection
from trainwright.training.build import check_batch_size, check_validation


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(InputError, match="the batch is larger than the training part") as error:
        check_batch_size(101, 100)
    assert "at most 100 pictures" in str(error.value)
    assert "--batch-size 12" in str(error.value)
    check_batch_size(100, 100)


def test_settings_that_look_at_a_validation_part_need_one():
    plateau = Recipe(schedule=ScheduleSection(name="plateau"))
    patient = Recipe(training=TrainingSection(patience=3))
    with pytest.raises(InputError, match=r"schedule\.name: plateau needs a validation part"):
        check_validation(plateau, 0)
    with pytest.raises(InputError, match=r"training\.patience needs a validation part"):
        check_validation(patient, 0)
    for recipe in (plateau, patient):
        check_validation(recipe, 1)
    check_validation(Recipe(), 0)
